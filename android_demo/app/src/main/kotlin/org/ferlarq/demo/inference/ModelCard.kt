package org.ferlarq.demo.inference

import java.nio.ByteBuffer
import java.nio.ByteOrder
import org.json.JSONException
import org.json.JSONObject

/**
 * What a model says about itself: the JSON document that `fer_larq.convert` puts into the metadata
 * entry "fer_larq" of the .tflite file.
 */
class ModelCard private constructor(val bytes: Int, document: JSONObject) {
    val network: String = document.getString("network")
    val arithmetic: String = document.getString("arithmetic")
    val oneBitWeights: Long = document.getLong("one_bit_weights")
    val labels: List<String> = document.getJSONArray("labels").let { array ->
        List(array.length()) { array.getString(it) }
    }

    /** Whether a face's contrast is to be stretched before it is classified. */
    val stretchesContrast: Boolean

    /** What scores are divided by before they become probabilities; 1 if the model does not say. */
    val temperature: Float

    /** Whether the model says its temperature, so that its probabilities can be taken at their word. */
    val isCalibrated: Boolean

    /** Data the network was trained on, such as "FER2013"; empty if the model does not say. */
    val trainedOn: String

    /** Those of [accuracies], such as "validation (PublicTest)"; empty if it does not say. */
    val split: String

    /** Share of right answers, 0 to 1, by what was looked at, such as "five crops". */
    val accuracies: Map<String, Double>

    init {
        val normalisation = document.optString("normalisation", "none")
        if (normalisation !in NORMALISATIONS) throw JSONException("normalisation $normalisation is unknown")
        stretchesContrast = normalisation == "stretch"
        isCalibrated = !document.isNull("temperature")
        temperature = document.optDouble("temperature", 1.0).toFloat()
        if (!(temperature > 0f && temperature.isFinite())) throw JSONException("a temperature of $temperature")
        val run = document.optJSONObject("run") ?: JSONObject()
        trainedOn = run.optJSONObject("data")?.optString("name").orEmpty()
        val accuracy = run.optJSONObject("accuracy") ?: JSONObject()
        split = accuracy.optString("split")
        accuracies = accuracy.keys().asSequence()
            .filter { accuracy.opt(it) is Number }
            .associateWith { accuracy.getDouble(it) }
    }

    companion object {
        private val NORMALISATIONS = setOf("none", "stretch")

        /** @throws IllegalArgumentException in one line, if the model has no such document. */
        fun of(model: ByteBuffer): ModelCard {
            val content = try {
                metadata(model, "fer_larq")
            } catch (_: IndexOutOfBoundsException) {
                throw IllegalArgumentException("the model file is damaged")
            } ?: throw IllegalArgumentException("the model was not made by fer_larq.convert")
            return try {
                ModelCard(model.capacity(), JSONObject(String(content, Charsets.UTF_8)))
            } catch (error: JSONException) {
                throw IllegalArgumentException("the model's description is damaged: ${error.message}")
            }
        }

        /** The bytes of a metadata entry of a .tflite file, a FlatBuffer; null if it has none. */
        private fun metadata(model: ByteBuffer, name: String): ByteArray? {
            val file = FlatBuffer(model)
            val root = file.offsetAt(0)
            val entries = file.vector(root, field = 6) ?: return null
            val buffers = file.vector(root, field = 4) ?: return null
            for (i in 0 until entries.size) {
                val entry = file.offsetAt(entries.start + 4 * i)
                if (String(file.bytes(entry, field = 0), Charsets.UTF_8) != name) continue
                val index = file.integer(entry, field = 1)
                if (index !in 0 until buffers.size) throw IndexOutOfBoundsException()
                return file.bytes(file.offsetAt(buffers.start + 4 * index), field = 0)
            }
            return null
        }
    }
}

/** As much of the FlatBuffer format as a model's metadata needs. Reads beyond the end throw. */
private class FlatBuffer(content: ByteBuffer) {
    private val data = content.duplicate().order(ByteOrder.LITTLE_ENDIAN)

    class Vector(val start: Int, val size: Int)

    /** The position that the offset at a position leads to. */
    fun offsetAt(position: Int) = position + data.getInt(position)

    fun vector(table: Int, field: Int): Vector? {
        val position = fieldPosition(table, field) ?: return null
        val start = offsetAt(position)
        val size = data.getInt(start)
        if (size < 0 || size > data.capacity() - start) throw IndexOutOfBoundsException()
        return Vector(start + 4, size)
    }

    fun bytes(table: Int, field: Int): ByteArray {
        val vector = vector(table, field) ?: return ByteArray(0)
        return ByteArray(vector.size) { data.get(vector.start + it) }
    }

    fun integer(table: Int, field: Int) = fieldPosition(table, field)?.let(data::getInt) ?: 0

    private fun fieldPosition(table: Int, field: Int): Int? {
        val entries = table - data.getInt(table)
        val at = 4 + 2 * field
        if (at >= data.getShort(entries)) return null
        val offset = data.getShort(entries + at).toInt()
        return if (offset == 0) null else table + offset
    }
}
