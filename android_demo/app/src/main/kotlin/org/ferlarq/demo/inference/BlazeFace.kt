package org.ferlarq.demo.inference

import java.io.Closeable
import java.nio.ByteBuffer
import java.nio.ByteOrder
import kotlin.math.abs
import kotlin.math.exp
import kotlin.math.ln
import org.ferlarq.demo.image.LumaImage
import org.ferlarq.demo.image.SquareSampler
import org.tensorflow.lite.Interpreter

/** Looks for faces in one square of an image at a time. */
interface FaceNetwork : Closeable {
    /**
     * Fills [found] with the faces in a square that fill between 0.3 and 1 of its side.
     *
     * @param threshold confidence that a face needs, between 0 and 1.
     * @param found boxes from the brows to the chin, in the image's pixels.
     */
    fun look(
        image: LumaImage,
        centreX: Float,
        centreY: Float,
        side: Float,
        threshold: Float,
        found: Squares,
    )
}

/**
 * Google's BlazeFace for short distances (Bazarevsky and others, arXiv:1907.05047), on TensorFlow
 * Lite: 896 anchors, for each a score and a box. It sees the image in grey.
 *
 * @param model content of face_detection_short_range.tflite, a direct buffer.
 */
class BlazeFace(model: ByteBuffer, threads: Int) : FaceNetwork {
    private val interpreter = Interpreter(model, Interpreter.Options().setNumThreads(threads))
    private val sampler = SquareSampler(INPUT_SIZE)
    private val pixels = FloatArray(3 * INPUT_SIZE * INPUT_SIZE)
    private val input = floats(pixels.size)
    private val inputs = arrayOf<Any>(input)
    private val boxes = floats(ANCHORS * BOX_VALUES)
    private val logits = floats(ANCHORS)
    private val outputs: Map<Int, Any>
    private val inputValues = input.asFloatBuffer()
    private val boxValues = boxes.asFloatBuffer()
    private val logitValues = logits.asFloatBuffer()
    private val candidates = Squares(MOST_CANDIDATES)
    private val merged = BooleanArray(MOST_CANDIDATES)

    init {
        val boxesFirst = interpreter.getOutputTensor(0).shape().last() == BOX_VALUES
        outputs = mapOf(0 to if (boxesFirst) boxes else logits, 1 to if (boxesFirst) logits else boxes)
    }

    override fun look(
        image: LumaImage,
        centreX: Float,
        centreY: Float,
        side: Float,
        threshold: Float,
        found: Squares,
    ) {
        val whole = maxOf(1, Math.round(side))
        val left = Math.round(centreX - side / 2)
        val top = Math.round(centreY - side / 2)
        sampler.sample(image, left, top, whole)
        fillInput()
        boxes.restart()
        logits.restart()
        interpreter.runForMultipleInputsOutputs(inputs, outputs)
        findCandidates(left, top, whole.toFloat() / INPUT_SIZE, ln(threshold / (1 - threshold)))
        mergeOverlapping(found)
    }

    private fun fillInput() {
        var at = 0
        for (grey in sampler.values) {
            val value = maxOf(grey, 0f) / 127.5f - 1f
            pixels[at] = value
            pixels[at + 1] = value
            pixels[at + 2] = value
            at += 3
        }
        inputValues.restart()
        inputValues.put(pixels)
        input.restart()
    }

    private fun findCandidates(left: Int, top: Int, scale: Float, threshold: Float) {
        candidates.clear()
        var anchor = 0
        // Two anchors for each cell of a grid of 16 x 16, then six for each cell of one of 8 x 8.
        for (cells in GRIDS) {
            val perCell = if (cells == GRIDS[0]) 2 else 6
            for (cell in 0 until cells * cells) {
                for (repeat in 0 until perCell) {
                    val logit = logitValues.get(anchor)
                    if (logit > threshold) {
                        val x = (cell % cells + 0.5f) / cells * INPUT_SIZE
                        val y = (cell / cells + 0.5f) / cells * INPUT_SIZE
                        val at = anchor * BOX_VALUES
                        candidates.add(
                            left + (x + boxValues.get(at)) * scale,
                            top + (y + boxValues.get(at + 1)) * scale,
                            abs(boxValues.get(at + 2)) * scale, // width and height are equal
                            1 / (1 + exp(-logit)),
                        )
                    }
                    anchor++
                }
            }
        }
    }

    /**
     * Makes one of those that overlap: at the mean of all, weighted by their confidence (section 3.3
     * of the paper), with the confidence of the best.
     */
    private fun mergeOverlapping(found: Squares) {
        found.clear()
        merged.fill(false)
        for (i in 0 until candidates.count) {
            if (merged[i]) continue
            val x = candidates.x[i]
            val y = candidates.y[i]
            val side = candidates.side[i]
            var weights = 0f
            var sumX = 0f
            var sumY = 0f
            var sumSide = 0f
            for (j in i until candidates.count) {
                if (merged[j] || (j > i && candidates.overlap(j, x, y, side) <= SAME_FACE)) continue
                merged[j] = true
                val weight = candidates.confidence[j]
                weights += weight
                sumX += weight * candidates.x[j]
                sumY += weight * candidates.y[j]
                sumSide += weight * candidates.side[j]
            }
            found.add(sumX / weights, sumY / weights, sumSide / weights, candidates.confidence[i])
        }
    }

    override fun close() = interpreter.close()

    companion object {
        const val INPUT_SIZE = 128

        /** Overlap of boxes that show the same face. */
        const val SAME_FACE = 0.3f

        private const val ANCHORS = 896
        private const val BOX_VALUES = 16 // centre, size, and six points of the face, not used here
        private const val MOST_CANDIDATES = 64
        private val GRIDS = intArrayOf(16, 8)

        private fun floats(count: Int): ByteBuffer =
            ByteBuffer.allocateDirect(4 * count).order(ByteOrder.nativeOrder())
    }
}
