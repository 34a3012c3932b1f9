package org.ferlarq.demo.image

import kotlin.math.cos
import kotlin.math.sin

/**
 * Cuts a face out of an image and scales it, upright, as the desktop does (`cut_turned` of fer_larq):
 * the mean of areas; of a square that is turned, the upright square around it, which is then turned
 * back at twice the size. All in integers: `golden.py` has the same in NumPy, bit for bit.
 *
 * @param size side of the result in pixels. An object keeps its memory from call to call.
 */
class FaceCutter(private val size: Int) {
    private val reduction = AreaReduction()
    private val fine = 2 * size
    private val large = Math.ceil(Math.sqrt(2.0) * (fine + 2)).toInt()
    private val around = ByteArray(large * large)

    /** Fills [face] with the square of [image] that [FaceBox] describes with the same words. */
    fun cut(image: LumaImage, left: Int, top: Int, side: Int, angle: Int, face: ByteArray) {
        if (angle == 0) {
            reduction.reduce(image, left, top, side, side, face, size, size)
            return
        }
        val sideAround = (side * large + fine / 2) / fine
        val margin = (sideAround - side) / 2
        reduction.reduce(image, left - margin, top - margin, sideAround, sideAround, around, large, large)
        val across = Math.round(ONE / 2 * cos(Math.toRadians(angle.toDouble()))).toInt()
        val down = Math.round(ONE / 2 * sin(Math.toRadians(angle.toDouble()))).toInt()
        for (y in 0 until size) {
            for (x in 0 until size) {
                var sum = 0
                for (i in 0 until 4) {
                    // From the centre, in halves of a fine pixel.
                    val right = 4 * x + i % 2 * 2 + 1 - fine
                    val below = 4 * y + i / 2 * 2 + 1 - fine
                    val centre = (large - 1) * (ONE / 2)
                    sum += between(centre + right * across - below * down, centre + right * down + below * across)
                }
                face[y * size + x] = (sum + (1 shl 17) shr 18).toByte()
            }
        }
    }

    /** [around], interpolated between four pixels, times 65,536; [x] and [y] in 1/65,536 pixels. */
    private fun between(x: Int, y: Int): Int {
        val at = (y shr 16) * large + (x shr 16)
        val right = x shr 8 and 0xff
        val below = y shr 8 and 0xff
        val upper = pixel(at) * (256 - right) + pixel(at + 1) * right
        val lower = pixel(at + large) * (256 - right) + pixel(at + large + 1) * right
        return upper * (256 - below) + lower * below
    }

    private fun pixel(at: Int) = around[at].toInt() and 0xff

    private companion object {
        const val ONE = 1 shl 16
    }
}
