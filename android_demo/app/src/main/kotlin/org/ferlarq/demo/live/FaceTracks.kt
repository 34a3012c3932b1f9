package org.ferlarq.demo.live

import org.ferlarq.demo.image.FaceBox
import org.ferlarq.demo.inference.Face
import org.ferlarq.demo.inference.FaceBoxes.Companion.MAX_FACES
import org.ferlarq.demo.inference.FaceSink
import org.ferlarq.demo.inference.Squares

/**
 * Follows faces from frame to frame, so that bars move smoothly: a face that overlaps one of the
 * frame before goes on from its probabilities, each time a part of the way to the new ones.
 */
class FaceTracks(private val labels: Int) : FaceSink {
    private var before = Tracks(labels)
    private var now = Tracks(labels)

    fun begin() {
        val spare = before
        before = now
        now = spare
        now.count = 0
    }

    /** Adds a face of this frame, at most MAX_FACES of them. */
    override fun add(left: Int, top: Int, size: Int, angle: Int, probabilities: FloatArray) {
        val old = bestMatch(left, top, size)
        val at = now.count++
        now.left[at] = left
        now.top[at] = top
        now.size[at] = size
        now.angle[at] = angle
        val smoothed = now.probabilities[at]
        for (i in 0 until labels) {
            val start = if (old < 0) probabilities[i] else before.probabilities[old][i]
            smoothed[i] = start + STEP * (probabilities[i] - start)
        }
    }

    private fun bestMatch(left: Int, top: Int, size: Int): Int {
        var best = -1
        var most = SAME_FACE_THRESHOLD
        for (i in 0 until before.count) {
            val overlap = Squares.overlap(
                left + size / 2f, top + size / 2f, size.toFloat(),
                before.left[i] + before.size[i] / 2f, before.top[i] + before.size[i] / 2f,
                before.size[i].toFloat(),
            )
            if (overlap > most) {
                most = overlap
                best = i
            }
        }
        return best
    }

    /** The faces since [begin], as objects that never change. */
    fun faces() = List(now.count) {
        Face(FaceBox(now.left[it], now.top[it], now.size[it], now.angle[it]), now.probabilities[it].copyOf())
    }

    private class Tracks(labels: Int) {
        val left = IntArray(MAX_FACES)
        val top = IntArray(MAX_FACES)
        val size = IntArray(MAX_FACES)
        val angle = IntArray(MAX_FACES)
        val probabilities = Array(MAX_FACES) { FloatArray(labels) }
        var count = 0
    }

    private companion object {
        const val STEP = 0.35f
        const val SAME_FACE_THRESHOLD = 0.3f // overlap
    }
}
