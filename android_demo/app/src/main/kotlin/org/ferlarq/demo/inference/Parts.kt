package org.ferlarq.demo.inference

import kotlin.math.ceil

/**
 * The squares of an image that are searched, large ones first. Neighbours share half of their side,
 * so that a face of at most that size is whole in one. The largest are at most twice as long as the
 * image's shorter side, since no face is longer.
 */
class Parts(private val levels: Int, private val firstLevel: Int = 0) {
    private var width = 0
    private var height = 0
    var x = FloatArray(0)
        private set
    var y = FloatArray(0)
        private set
    var side = FloatArray(0)
        private set
    val count get() = side.size

    /** Covers an image; whether it has another size than the one before. */
    fun cover(width: Int, height: Int): Boolean {
        if (width == this.width && height == this.height) return false
        this.width = width
        this.height = height
        val squares = mutableListOf<FloatArray>()
        var whole = maxOf(width, height).toFloat()
        while (whole > 2 * minOf(width, height) && whole > BlazeFace.INPUT_SIZE) whole /= 2
        for (level in firstLevel until levels) {
            val side = whole / (1 shl level)
            if (level > 0 && side < BlazeFace.INPUT_SIZE) break // it would only enlarge pixels
            for (top in positions(height, side)) {
                for (left in positions(width, side)) {
                    squares += floatArrayOf(left + side / 2, top + side / 2, side)
                }
            }
        }
        x = FloatArray(squares.size) { squares[it][0] }
        y = FloatArray(squares.size) { squares[it][1] }
        side = FloatArray(squares.size) { squares[it][2] }
        return true
    }

    /** Where squares begin that cover a length, at most half a side apart; one that is centred. */
    private fun positions(length: Int, side: Float): List<Float> {
        if (length <= side) return listOf((length - side) / 2)
        val steps = ceil((length - side) / (side / 2)).toInt()
        return List(steps + 1) { (length - side) * it / steps }
    }
}
