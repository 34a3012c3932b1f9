package org.ferlarq.demo.image

/**
 * Scales a part of an image: each new pixel is the mean of the area that it covers, rounded to the
 * nearest integer. All sums are integers, so the result is the same on every machine; in NumPy,
 *
 *     w = np.repeat(np.eye(n, dtype=int), size, 1).reshape(n, size, n).sum(2)   # [n, size]
 *     reduced = (2 * (w @ part @ w.T) + size**2) // (2 * size**2)
 *
 * for a square part of `size` pixels and n new ones. Beyond the image, its last pixels go on. An object
 * keeps its memory from call to call.
 */
class AreaReduction {
    private var columnSums = IntArray(0)
    private var unturned = ByteArray(0)

    /**
     * Fills [target], [targetHeight] rows of [targetWidth] bytes, with the part of [image] that
     * has its corner at ([left], [top]) and is [width] x [height] pixels large. The part and the
     * result are upright; the pixels of [image] need not be.
     */
    fun reduce(
        image: LumaImage,
        left: Int,
        top: Int,
        width: Int,
        height: Int,
        target: ByteArray,
        targetWidth: Int,
        targetHeight: Int,
    ) {
        require(width in 1..MAX_SIDE && height in 1..MAX_SIDE) { "a part of $width x $height pixels" }
        when (image.rotation) {
            0 -> scale(image, left, top, width, height, target, targetWidth, targetHeight)
            180 -> {
                val x = image.width - left - width
                val y = image.height - top - height
                scale(image, x, y, width, height, target, targetWidth, targetHeight)
                target.reverse(0, targetWidth * targetHeight)
            }
            else -> {
                val quarter = image.rotation == 90
                val x = if (quarter) top else image.width - top - height
                val y = if (quarter) image.height - left - width else left
                if (unturned.size < targetWidth * targetHeight) {
                    unturned = ByteArray(targetWidth * targetHeight)
                }
                scale(image, x, y, height, width, unturned, targetHeight, targetWidth)
                turn(quarter, target, targetWidth, targetHeight)
            }
        }
    }

    private fun scale(
        image: LumaImage,
        left: Int,
        top: Int,
        width: Int,
        height: Int,
        target: ByteArray,
        targetWidth: Int,
        targetHeight: Int,
    ) {
        if (columnSums.size < width) columnSums = IntArray(width)
        val area = width.toLong() * height
        // Columns of the part before `inside` lie left of the image, those from `outside` right of it.
        val inside = (-left).coerceIn(0, width)
        val outside = (image.width - left).coerceIn(inside, width)
        // In units in which a row is `targetHeight` high, each new row is `height` high.
        for (row in 0 until targetHeight) {
            val above = row * height
            val below = above + height
            columnSums.fill(0, 0, width)
            for (y in above / targetHeight..(below - 1) / targetHeight) {
                val weight = minOf((y + 1) * targetHeight, below) - maxOf(y * targetHeight, above)
                val start = (top + y).coerceIn(0, image.height - 1) * image.rowStride
                val before = weight * (image.pixels[start].toInt() and 0xff)
                for (x in 0 until inside) columnSums[x] += before
                for (x in inside until outside) {
                    columnSums[x] += weight * (image.pixels[start + left + x].toInt() and 0xff)
                }
                val after = weight * (image.pixels[start + image.width - 1].toInt() and 0xff)
                for (x in outside until width) columnSums[x] += after
            }
            for (column in 0 until targetWidth) {
                val from = column * width
                val to = from + width
                var sum = 0L
                for (x in from / targetWidth..(to - 1) / targetWidth) {
                    val weight = minOf((x + 1) * targetWidth, to) - maxOf(x * targetWidth, from)
                    sum += weight.toLong() * columnSums[x]
                }
                target[row * targetWidth + column] = ((2 * sum + area) / (2 * area)).toByte()
            }
        }
    }

    /** Turns [unturned] by a quarter, clockwise or else counterclockwise, into [target]. */
    private fun turn(clockwise: Boolean, target: ByteArray, width: Int, height: Int) {
        for (y in 0 until height) {
            for (x in 0 until width) {
                val source = if (clockwise) (width - 1 - x) * height + y else x * height + height - 1 - y
                target[y * width + x] = unturned[source]
            }
        }
    }

    private companion object {
        const val MAX_SIDE = 16_384 // keeps every sum within its type
    }
}
