package org.ferlarq.demo.image

import kotlin.math.cos
import kotlin.math.floor
import kotlin.math.sin

/**
 * Cuts a square out of an image and scales it, each new pixel interpolated between four. What of the
 * square lies beyond the image is black. An object keeps its memory from call to call.
 *
 * @param size side of the result in pixels.
 */
class SquareSampler(private val size: Int) {
    /** The last result: [size] rows of [size] grey values, 0 to 255; -1 beyond the image. */
    val values = FloatArray(size * size)

    private val columns = Axis(size)
    private val rows = Axis(size)

    fun sample(image: LumaImage, left: Int, top: Int, side: Int) {
        columns.place(left, side, image.uprightWidth)
        rows.place(top, side, image.uprightHeight)
        val pixels = image.pixels
        val origin = image.origin
        val stepRight = image.stepRight
        val stepDown = image.stepDown
        for (y in 0 until size) {
            val at = y * size
            if (!rows.inside[y]) {
                values.fill(BEYOND, at, at + size)
                continue
            }
            val upper = origin + rows.before[y] * stepDown
            val lower = origin + rows.after[y] * stepDown
            val down = rows.share[y]
            for (x in 0 until size) {
                if (!columns.inside[x]) {
                    values[at + x] = BEYOND
                    continue
                }
                val before = columns.before[x] * stepRight
                val after = columns.after[x] * stepRight
                val right = columns.share[x]
                val above = between(pixels[upper + before], pixels[upper + after], right)
                val below = between(pixels[lower + before], pixels[lower + after], right)
                values[at + x] = above + (below - above) * down
            }
        }
    }

    /** As [sample], of a square that is turned by [angle] degrees, clockwise, about its centre. */
    fun sampleTurned(image: LumaImage, centreX: Float, centreY: Float, side: Float, angle: Float) {
        val radians = Math.toRadians(angle.toDouble())
        val across = (cos(radians) * side / size).toFloat()
        val down = (sin(radians) * side / size).toFloat()
        for (y in 0 until size) {
            for (x in 0 until size) {
                val right = x + 0.5f - size / 2f
                val below = y + 0.5f - size / 2f
                values[y * size + x] = at(
                    image,
                    centreX + right * across - below * down,
                    centreY + right * down + below * across,
                )
            }
        }
    }

    private fun at(image: LumaImage, x: Float, y: Float): Float {
        val width = image.uprightWidth
        val height = image.uprightHeight
        if (!(x > 0 && y > 0 && x < width && y < height)) return BEYOND
        val left = floor(x - 0.5f).toInt()
        val top = floor(y - 0.5f).toInt()
        val upper = image.origin + top.coerceAtLeast(0) * image.stepDown
        val lower = image.origin + (top + 1).coerceAtMost(height - 1) * image.stepDown
        val before = left.coerceAtLeast(0) * image.stepRight
        val after = (left + 1).coerceAtMost(width - 1) * image.stepRight
        val share = x - 0.5f - left
        val above = between(image.pixels[upper + before], image.pixels[upper + after], share)
        val below = between(image.pixels[lower + before], image.pixels[lower + after], share)
        return above + (below - above) * (y - 0.5f - top)
    }

    private fun between(first: Byte, second: Byte, share: Float): Float {
        val from = (first.toInt() and 0xff).toFloat()
        return from + ((second.toInt() and 0xff) - from) * share
    }

    /** Between which pixels of the image each new pixel lies, in one direction. */
    private class Axis(private val size: Int) {
        val before = IntArray(size)
        val after = IntArray(size)
        val share = FloatArray(size)
        val inside = BooleanArray(size)

        fun place(start: Int, side: Int, length: Int) {
            val first = maxOf(start, 0)
            val last = minOf(start + side, length) - 1
            for (i in 0 until size) {
                val centre = start + (i + 0.5f) * side / size
                inside[i] = centre > first && centre < last + 1
                val position = (centre - 0.5f).coerceIn(first.toFloat(), maxOf(first, last).toFloat())
                before[i] = position.toInt()
                after[i] = minOf(before[i] + 1, last)
                share[i] = position - before[i]
            }
        }
    }

    companion object {
        const val BEYOND = -1f
    }
}
