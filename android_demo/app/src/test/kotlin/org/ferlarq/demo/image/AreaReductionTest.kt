package org.ferlarq.demo.image

import kotlin.random.Random
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertThrows
import org.junit.Test

class AreaReductionTest {
    private val random = Random(1)

    /** An image of random pixels, and the same pixels upright. */
    private fun randomImage(uprightWidth: Int, uprightHeight: Int, rotation: Int): Pair<LumaImage, Array<IntArray>> {
        val upright = Array(uprightHeight) { IntArray(uprightWidth) { random.nextInt(256) } }
        val image = LumaImage()
        val turned = rotation % 180 != 0
        val width = if (turned) uprightHeight else uprightWidth
        val height = if (turned) uprightWidth else uprightHeight
        image.reshape(width, height, width + 5, rotation)
        for (y in 0 until height) {
            for (x in 0 until width) {
                // Turned clockwise by `rotation`, the pixel lands where the upright image has it.
                val value = when (rotation) {
                    90 -> upright[x][height - 1 - y]
                    180 -> upright[height - 1 - y][width - 1 - x]
                    270 -> upright[width - 1 - x][y]
                    else -> upright[y][x]
                }
                image.pixels[y * image.rowStride + x] = value.toByte()
            }
        }
        return image to upright
    }

    /** The definition, pixel by pixel: each part of a pixel counts by the area that is covered. */
    private fun byDefinition(part: Array<IntArray>, width: Int, height: Int): ByteArray {
        val (h, w) = part.size to part[0].size
        return ByteArray(width * height) { i ->
            var sum = 0L
            for (y in 0 until h) {
                val down = minOf((y + 1) * height, (i / width + 1) * h) - maxOf(y * height, i / width * h)
                for (x in 0 until w) {
                    val across =
                        minOf((x + 1) * width, (i % width + 1) * w) - maxOf(x * width, i % width * w)
                    if (down > 0 && across > 0) sum += down.toLong() * across * part[y][x]
                }
            }
            Math.floorDiv(2 * sum + w.toLong() * h, 2L * w * h).toByte()
        }
    }

    @Test
    fun `a part is the mean of areas, whichever way the sensor lies`() {
        val reduction = AreaReduction()
        for (rotation in listOf(0, 90, 180, 270)) {
            val (image, upright) = randomImage(61, 83, rotation)
            for (size in listOf(1, 17, 48, 49, 60)) {
                val left = random.nextInt(61 - size + 1)
                val top = random.nextInt(83 - size + 1)
                val part = Array(size) { upright[top + it].copyOfRange(left, left + size) }
                val face = ByteArray(48 * 48)
                reduction.reduce(image, left, top, size, size, face, 48, 48)
                assertArrayEquals("$rotation $size", byDefinition(part, 48, 48), face)
            }
        }
    }

    @Test
    fun `a whole frame keeps its shape`() {
        for (rotation in listOf(0, 90, 180, 270)) {
            val (image, upright) = randomImage(40, 30, rotation)
            val reduced = ByteArray(16 * 12)
            AreaReduction().reduce(image, 0, 0, 40, 30, reduced, 16, 12)
            assertArrayEquals("$rotation", byDefinition(upright, 16, 12), reduced)
        }
    }

    @Test
    fun `beyond the image its last pixels go on`() {
        for (rotation in listOf(0, 90, 180, 270)) {
            val (image, upright) = randomImage(40, 30, rotation)
            for ((left, top) in listOf(-7 to 3, 5 to -19, 25 to 11, 21 to 25, -60 to 70)) {
                val part = Array(20) { y ->
                    IntArray(20) { x -> upright[(top + y).coerceIn(0, 29)][(left + x).coerceIn(0, 39)] }
                }
                val face = ByteArray(12 * 12)
                AreaReduction().reduce(image, left, top, 20, 20, face, 12, 12)
                assertArrayEquals("$rotation $left $top", byDefinition(part, 12, 12), face)
            }
        }
    }

    @Test
    fun `a part without pixels, or with too many for its sums, is refused`() {
        val (image, _) = randomImage(40, 30, 90)
        for (side in listOf(-1, 0, 20_000)) {
            assertThrows(IllegalArgumentException::class.java) {
                AreaReduction().reduce(image, 0, 0, side, side, ByteArray(4), 2, 2)
            }
        }
    }
}
