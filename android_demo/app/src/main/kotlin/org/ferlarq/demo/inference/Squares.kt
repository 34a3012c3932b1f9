package org.ferlarq.demo.inference

import kotlin.math.abs
import kotlin.math.atan2

/**
 * Squares with a confidence, by falling confidence: centres and sides, in pixels. The list is filled
 * again and again; of more than [capacity], the most confident stay.
 */
class Squares(private val capacity: Int) {
    val x = FloatArray(capacity)
    val y = FloatArray(capacity)
    val side = FloatArray(capacity)
    val confidence = FloatArray(capacity)

    /** From a face's right eye to its left one, in pixels to the right and down. */
    val acrossX = FloatArray(capacity)
    val acrossY = FloatArray(capacity)
    var count = 0
        private set

    fun clear() {
        count = 0
    }

    /** Degrees, clockwise, by which the face of the [i]th square is turned. */
    fun angle(i: Int) = Math.toDegrees(atan2(acrossY[i], acrossX[i]).toDouble()).toFloat()

    fun add(
        newX: Float, newY: Float, newSide: Float, newConfidence: Float, newAcrossX: Float = 1f, newAcrossY: Float = 0f,
    ) {
        if (!(newSide > 0f)) return // NaN is no side either
        if (count == capacity) {
            if (newConfidence <= confidence[capacity - 1]) return
            count--
        }
        var at = count++
        while (at > 0 && confidence[at - 1] < newConfidence) {
            copy(at - 1, at)
            at--
        }
        x[at] = newX
        y[at] = newY
        side[at] = newSide
        confidence[at] = newConfidence
        acrossX[at] = newAcrossX
        acrossY[at] = newAcrossY
    }

    fun addAll(other: Squares) {
        for (i in 0 until other.count) {
            add(other.x[i], other.y[i], other.side[i], other.confidence[i], other.acrossX[i], other.acrossY[i])
        }
    }

    private fun copy(from: Int, to: Int) {
        x[to] = x[from]
        y[to] = y[from]
        side[to] = side[from]
        confidence[to] = confidence[from]
        acrossX[to] = acrossX[from]
        acrossY[to] = acrossY[from]
    }

    /** Whether one of these and the given square lie by half, of the smaller's area, in each other. */
    fun contains(otherX: Float, otherY: Float, otherSide: Float): Boolean {
        for (i in 0 until count) {
            val smaller = minOf(side[i], otherSide)
            if (shared(i, otherX, otherY, otherSide) > 0.5f * smaller * smaller) return true
        }
        return false
    }

    /** Intersection over union of the [i]th square and another, 0 to 1. */
    fun overlap(i: Int, otherX: Float, otherY: Float, otherSide: Float) =
        overlap(x[i], y[i], side[i], otherX, otherY, otherSide)

    private fun shared(i: Int, otherX: Float, otherY: Float, otherSide: Float) =
        shared(x[i], y[i], side[i], otherX, otherY, otherSide)

    companion object {
        /** Intersection over union of two squares, given by centre and side: 0 to 1. */
        fun overlap(
            x: Float, y: Float, side: Float, otherX: Float, otherY: Float, otherSide: Float,
        ): Float {
            val shared = shared(x, y, side, otherX, otherY, otherSide)
            return shared / (side * side + otherSide * otherSide - shared)
        }

        private fun shared(
            x: Float, y: Float, side: Float, otherX: Float, otherY: Float, otherSide: Float,
        ): Float {
            val half = (side + otherSide) / 2
            val smaller = minOf(side, otherSide)
            val across = minOf(half - abs(x - otherX), smaller).coerceAtLeast(0f)
            val down = minOf(half - abs(y - otherY), smaller).coerceAtLeast(0f)
            return across * down
        }
    }
}
