package org.ferlarq.demo.live

import org.ferlarq.demo.image.FaceBox
import org.ferlarq.demo.inference.FaceBoxes.Companion.MAX_FACES
import org.ferlarq.demo.inference.overlapOfSquares

/** A face with the lengths of its bars, 0 to 1, one for each label. */
class FaceReading(val box: FaceBox, val shares: FloatArray) {
    /** Index of the label with the longest bar. */
    val best: Int get() = shares.indices.maxByOrNull { shares[it] } ?: 0
}

/** What was seen in a frame of [width] x [height] pixels; faces by falling size. */
class LiveReading(
    val width: Int,
    val height: Int,
    val faces: List<FaceReading>,
    val framesPerSecond: Float,
    val detectionMillis: Float,
    val readingMillis: Float,
)

/**
 * Follows faces from frame to frame, so that bars move smoothly: a face that overlaps one of the
 * frame before goes on from its bars, each time a part of the way to the new ones.
 */
class FaceTracks(private val labels: Int) {
    private var before = Faces(labels)
    private var now = Faces(labels)

    fun begin() {
        val spare = before
        before = now
        now = spare
        now.count = 0
    }

    /** Adds a face of this frame, at most MAX_FACES of them. */
    fun add(left: Int, top: Int, size: Int, shares: FloatArray) {
        val old = bestMatch(left, top, size)
        val at = now.count++
        now.left[at] = left
        now.top[at] = top
        now.size[at] = size
        val smoothed = now.shares[at]
        for (i in 0 until labels) {
            val start = if (old < 0) shares[i] else before.shares[old][i]
            smoothed[i] = start + STEP * (shares[i] - start)
        }
    }

    private fun bestMatch(left: Int, top: Int, size: Int): Int {
        var best = -1
        var most = SAME_FACE
        for (i in 0 until before.count) {
            val overlap = overlapOfSquares(
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

    /** The faces since [begin], as an object that never changes. */
    fun reading(width: Int, height: Int, pace: Pace) = LiveReading(
        width,
        height,
        List(now.count) {
            FaceReading(FaceBox(now.left[it], now.top[it], now.size[it]), now.shares[it].copyOf())
        },
        pace.framesPerSecond,
        pace.detection / 1e6f,
        pace.reading / 1e6f,
    )

    private class Faces(labels: Int) {
        val left = IntArray(MAX_FACES)
        val top = IntArray(MAX_FACES)
        val size = IntArray(MAX_FACES)
        val shares = Array(MAX_FACES) { FloatArray(labels) }
        var count = 0
    }

    private companion object {
        const val STEP = 0.35f
        const val SAME_FACE = 0.3f // overlap
    }
}
