package org.ferlarq.demo.image

/**
 * Stretches a face's contrast in place: its 1st percentile becomes 0, its 99th 255. Integers only,
 * so that it gives the bytes of `fer_larq/datasets/normalisation.py`. Keeps its memory between calls.
 */
class ContrastStretch {
    private val counts = IntArray(256)
    private val stretched = ByteArray(256)

    /** @param face unsigned grey pixels; one of a single grey is left as it is. */
    fun apply(face: ByteArray) {
        counts.fill(0)
        for (pixel in face) counts[pixel.toInt() and 0xff]++
        val rank = (face.size + 99) / 100
        val low = atRank(0..255, rank)
        val high = atRank(255 downTo 0, rank)
        if (high <= low) return
        val range = high - low
        for (value in 0..255) {
            val scaled = Math.floorDiv((value - low) * 255 + range / 2, range)
            stretched[value] = scaled.coerceIn(0, 255).toByte()
        }
        for (i in face.indices) face[i] = stretched[face[i].toInt() and 0xff]
    }

    /** The value of the [rank]th pixel, counted from 1 in the order of [values]. */
    private fun atRank(values: IntProgression, rank: Int): Int {
        var seen = 0
        for (value in values) {
            seen += counts[value]
            if (seen >= rank) return value
        }
        return values.last
    }
}
