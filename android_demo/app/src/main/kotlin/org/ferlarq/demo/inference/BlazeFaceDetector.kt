package org.ferlarq.demo.inference

import java.nio.ByteBuffer
import java.nio.ByteOrder
import kotlin.math.abs
import kotlin.math.exp
import kotlin.math.ln
import org.ferlarq.demo.image.AreaReduction
import org.ferlarq.demo.image.LumaImage
import org.tensorflow.lite.Interpreter

/**
 * Google's BlazeFace for short distances (Bazarevsky and others, arXiv:1907.05047), on TensorFlow
 * Lite: 896 anchors, for each a score and a box. It sees the image in grey, fitted into a square.
 *
 * @param model content of face_detection_short_range.tflite, a direct buffer.
 */
class BlazeFaceDetector(model: ByteBuffer, threads: Int) : FaceDetector {
    private val interpreter = Interpreter(model, Interpreter.Options().setNumThreads(threads))
    private val reduction = AreaReduction()
    private val reduced = ByteArray(INPUT_SIZE * INPUT_SIZE)
    private val input = floats(INPUT_SIZE * INPUT_SIZE * 3)
    private val inputs = arrayOf<Any>(input)
    private val boxes = floats(ANCHORS * BOX_VALUES)
    private val logits = floats(ANCHORS)
    private val outputs: Map<Int, Any>
    private val inputValues = input.asFloatBuffer()
    private val boxValues = boxes.asFloatBuffer()
    private val logitValues = logits.asFloatBuffer()
    private val found = Candidates()

    init {
        val boxesFirst = interpreter.getOutputTensor(0).shape().last() == BOX_VALUES
        outputs = mapOf(0 to if (boxesFirst) boxes else logits, 1 to if (boxesFirst) logits else boxes)
    }

    override fun detect(image: LumaImage, faces: FaceBoxes) {
        val longer = maxOf(image.uprightWidth, image.uprightHeight)
        val width = maxOf(1, Math.round(image.uprightWidth * INPUT_SIZE.toFloat() / longer))
        val height = maxOf(1, Math.round(image.uprightHeight * INPUT_SIZE.toFloat() / longer))
        val left = (INPUT_SIZE - width) / 2
        val top = (INPUT_SIZE - height) / 2
        fillInput(image, width, height, left, top)

        boxes.restart()
        logits.restart()
        interpreter.runForMultipleInputsOutputs(inputs, outputs)
        findCandidates()
        found.mergeOverlapping()

        faces.clear()
        val scale = longer.toFloat() / INPUT_SIZE
        for (i in 0 until found.count) {
            if (!found.kept[i]) continue
            val side = found.size[i] * scale
            val x = (found.x[i] - left) * scale
            val y = (found.y[i] - top) * scale - side * FRAME_RISE
            faces.add(x, y, side * FRAME_SIDE, image.uprightWidth, image.uprightHeight)
        }
    }

    private fun fillInput(image: LumaImage, width: Int, height: Int, left: Int, top: Int) {
        reduction.reduce(image, 0, 0, image.uprightWidth, image.uprightHeight, reduced, width, height)
        input.restart()
        for (y in 0 until INPUT_SIZE) {
            for (x in 0 until INPUT_SIZE) {
                val inside = x - left in 0 until width && y - top in 0 until height
                val pixel = if (inside) reduced[(y - top) * width + x - left].toInt() and 0xff else 0
                val value = pixel / 127.5f - 1f
                val at = 3 * (y * INPUT_SIZE + x)
                inputValues.put(at, value)
                inputValues.put(at + 1, value)
                inputValues.put(at + 2, value)
            }
        }
    }

    private fun findCandidates() {
        found.count = 0
        var anchor = 0
        // Two anchors for each cell of a grid of 16 x 16, then six for each cell of one of 8 x 8.
        for (cells in GRIDS) {
            val perCell = if (cells == GRIDS[0]) 2 else 6
            for (cell in 0 until cells * cells) {
                for (repeat in 0 until perCell) {
                    val logit = logitValues.get(anchor)
                    if (logit > THRESHOLD) {
                        val x = (cell % cells + 0.5f) / cells * INPUT_SIZE
                        val y = (cell / cells + 0.5f) / cells * INPUT_SIZE
                        val at = anchor * BOX_VALUES
                        found.add(
                            logit,
                            x + boxValues.get(at),
                            y + boxValues.get(at + 1),
                            (boxValues.get(at + 2) + boxValues.get(at + 3)) / 2,
                        )
                    }
                    anchor++
                }
            }
        }
    }

    override fun close() = interpreter.close()

    private companion object {
        const val INPUT_SIZE = 128
        const val ANCHORS = 896
        const val BOX_VALUES = 16 // centre, size, and six points of the face that are not used here

        // What FER2013 shows of a face, told from the box: BLAZEFACE_FRAMING in fer_larq/inference.
        const val FRAME_SIDE = 1.17f
        const val FRAME_RISE = 0.094f
        val GRIDS = intArrayOf(16, 8)
        val THRESHOLD = ln(0.6f / 0.4f) // of the score's logit: a score of 0.6

        fun floats(count: Int): ByteBuffer =
            ByteBuffer.allocateDirect(4 * count).order(ByteOrder.nativeOrder())
    }
}

/** Squares with a score, kept by falling score. */
private class Candidates {
    val score = FloatArray(MOST)
    val x = FloatArray(MOST)
    val y = FloatArray(MOST)
    val size = FloatArray(MOST)
    val kept = BooleanArray(MOST)
    private val free = BooleanArray(MOST)
    var count = 0

    fun add(newScore: Float, newX: Float, newY: Float, newSize: Float) {
        if (newSize <= 0f) return
        if (count == MOST) {
            if (newScore <= score[MOST - 1]) return
            count--
        }
        var at = count++
        while (at > 0 && score[at - 1] < newScore) {
            score[at] = score[at - 1]
            x[at] = x[at - 1]
            y[at] = y[at - 1]
            size[at] = size[at - 1]
            at--
        }
        score[at] = newScore
        x[at] = newX
        y[at] = newY
        size[at] = newSize
    }

    /**
     * Makes one of those that overlap: the best, at the mean of all, weighted by their confidence
     * (section 3.3 of the paper).
     */
    fun mergeOverlapping() {
        free.fill(true)
        for (i in 0 until count) {
            kept[i] = free[i]
            if (!free[i]) continue
            var weights = 0f
            var sumX = 0f
            var sumY = 0f
            var sumSize = 0f
            for (j in i until count) {
                if (!free[j] || (j > i && overlap(i, j) <= OVERLAP)) continue
                free[j] = false
                val weight = 1 / (1 + exp(-score[j]))
                weights += weight
                sumX += weight * x[j]
                sumY += weight * y[j]
                sumSize += weight * size[j]
            }
            x[i] = sumX / weights
            y[i] = sumY / weights
            size[i] = sumSize / weights
        }
    }

    private fun overlap(i: Int, j: Int) = overlapOfSquares(x[i], y[i], size[i], x[j], y[j], size[j])

    private companion object {
        const val MOST = 64
        const val OVERLAP = 0.3f
    }
}

/** Area that two squares share over the area that they cover together; centres and sides. */
internal fun overlapOfSquares(
    x: Float, y: Float, size: Float, otherX: Float, otherY: Float, otherSize: Float,
): Float {
    val half = (size + otherSize) / 2
    val smaller = minOf(size, otherSize)
    val across = minOf(half - abs(x - otherX), smaller).coerceAtLeast(0f)
    val down = minOf(half - abs(y - otherY), smaller).coerceAtLeast(0f)
    val shared = across * down
    return shared / (size * size + otherSize * otherSize - shared)
}
