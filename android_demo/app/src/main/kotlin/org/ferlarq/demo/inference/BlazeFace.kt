package org.ferlarq.demo.inference

import java.io.Closeable
import java.nio.ByteBuffer
import java.nio.ByteOrder
import kotlin.math.abs
import kotlin.math.cos
import kotlin.math.exp
import kotlin.math.ln
import kotlin.math.sin
import org.ferlarq.demo.image.LumaImage
import org.ferlarq.demo.image.SquareSampler
import org.tensorflow.lite.Interpreter

/** Looks for faces in one square of an image at a time. */
interface FaceNetwork : Closeable {
    /**
     * Fills [found] with the faces in a square that fill between 0.3 and 1 of its side.
     *
     * @param angle degrees, clockwise, by which the square is turned about its centre.
     * @param threshold confidence that a face needs, between 0 and 1.
     * @param found boxes from the brows to the chin, in the image's pixels, turned as the eyes are.
     */
    fun look(
        image: LumaImage,
        centreX: Float,
        centreY: Float,
        side: Float,
        angle: Float,
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
    private val taken = BooleanArray(MOST_CANDIDATES)
    private val merged = Squares(MOST_CANDIDATES)
    private val sums = FloatArray(6)

    init {
        val boxesFirst = interpreter.getOutputTensor(0).shape().last() == BOX_VALUES
        outputs = mapOf(0 to if (boxesFirst) boxes else logits, 1 to if (boxesFirst) logits else boxes)
    }

    override fun look(
        image: LumaImage,
        centreX: Float,
        centreY: Float,
        side: Float,
        angle: Float,
        threshold: Float,
        found: Squares,
    ) {
        if (angle == 0f) {
            val whole = maxOf(1, Math.round(side))
            sampler.sample(image, Math.round(centreX - side / 2), Math.round(centreY - side / 2), whole)
        } else {
            sampler.sampleTurned(image, centreX, centreY, side, angle)
        }
        fillInput()
        boxes.restart()
        logits.restart()
        interpreter.runForMultipleInputsOutputs(inputs, outputs)
        findCandidates(ln(threshold / (1 - threshold)))
        mergeOverlapping()
        // From the tile's pixels, about its centre, to the image's.
        val across = (cos(Math.toRadians(angle.toDouble())) * side / INPUT_SIZE).toFloat()
        val down = (sin(Math.toRadians(angle.toDouble())) * side / INPUT_SIZE).toFloat()
        found.clear()
        for (i in 0 until merged.count) {
            val x = merged.x[i]
            val y = merged.y[i]
            found.add(
                centreX + x * across - y * down,
                centreY + x * down + y * across,
                merged.side[i] * side / INPUT_SIZE,
                merged.confidence[i],
                merged.acrossX[i] * across - merged.acrossY[i] * down,
                merged.acrossX[i] * down + merged.acrossY[i] * across,
            )
        }
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

    /** The network's answers as squares in pixels of its input, about its centre. */
    private fun findCandidates(threshold: Float) {
        candidates.clear()
        var anchor = 0
        // Two anchors for each cell of a grid of 16 x 16, then six for each cell of one of 8 x 8.
        for (cells in GRIDS) {
            val perCell = if (cells == GRIDS[0]) 2 else 6
            for (cell in 0 until cells * cells) {
                for (repeat in 0 until perCell) {
                    val logit = logitValues.get(anchor)
                    if (logit > threshold) {
                        val x = ((cell % cells + 0.5f) / cells - 0.5f) * INPUT_SIZE
                        val y = ((cell / cells + 0.5f) / cells - 0.5f) * INPUT_SIZE
                        val at = anchor * BOX_VALUES
                        candidates.add(
                            x + boxValues.get(at),
                            y + boxValues.get(at + 1),
                            abs(boxValues.get(at + 2)), // width and height are equal
                            1 / (1 + exp(-logit)),
                            boxValues.get(at + LEFT_EYE) - boxValues.get(at + RIGHT_EYE),
                            boxValues.get(at + LEFT_EYE + 1) - boxValues.get(at + RIGHT_EYE + 1),
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
    private fun mergeOverlapping() {
        merged.clear()
        taken.fill(false)
        for (i in 0 until candidates.count) {
            if (taken[i]) continue
            val x = candidates.x[i]
            val y = candidates.y[i]
            val side = candidates.side[i]
            sums.fill(0f)
            for (j in i until candidates.count) {
                if (taken[j] || (j > i && candidates.overlap(j, x, y, side) <= SAME_FACE)) continue
                taken[j] = true
                val weight = candidates.confidence[j]
                sums[0] += weight
                sums[1] += weight * candidates.x[j]
                sums[2] += weight * candidates.y[j]
                sums[3] += weight * candidates.side[j]
                sums[4] += weight * candidates.acrossX[j]
                sums[5] += weight * candidates.acrossY[j]
            }
            for (k in 1 until sums.size) sums[k] /= sums[0]
            merged.add(sums[1], sums[2], sums[3], candidates.confidence[i], sums[4], sums[5])
        }
    }

    override fun close() = interpreter.close()

    companion object {
        const val INPUT_SIZE = 128

        /** Overlap of boxes that show the same face. */
        const val SAME_FACE = 0.3f

        private const val ANCHORS = 896
        private const val BOX_VALUES = 16 // centre, size, and six points of the face: x and y of each
        private const val RIGHT_EYE = 4
        private const val LEFT_EYE = 6
        private const val MOST_CANDIDATES = 64
        private val GRIDS = intArrayOf(16, 8)

        private fun floats(count: Int): ByteBuffer =
            ByteBuffer.allocateDirect(4 * count).order(ByteOrder.nativeOrder())
    }
}
