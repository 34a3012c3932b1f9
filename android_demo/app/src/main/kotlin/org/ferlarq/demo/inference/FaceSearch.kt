package org.ferlarq.demo.inference

import kotlin.math.ceil
import org.ferlarq.demo.image.LumaImage
import org.ferlarq.demo.inference.FaceBoxes.Companion.MAX_FACES

/**
 * Finds faces of any size with a network that sees one square at a time, as the desktop does
 * (`BlazeFaceDetector` of fer_larq): in overlapping squares of the image's size, half of it, a
 * quarter ...; each candidate is then looked at again, closely, which sorts out what only looked
 * like a face and centres the box.
 *
 * @param nanoTime a clock.
 * @param budget nanoseconds after which no further square of a stream's frame is searched.
 */
class FaceSearch(
    private val network: FaceNetwork,
    private val nanoTime: () -> Long,
    private val budget: Long = BUDGET,
) : FaceDetector {
    private val pictureParts = Parts(PICTURE_LEVELS)
    private val frameParts = Parts(FRAME_LEVELS)
    private var turn = 0

    private val looked = Squares(MOST_CANDIDATES)
    private val candidates = Squares(MOST_CANDIDATES)
    private val known = Squares(MAX_FACES)
    private val again = Square()
    private val confirmed = Square()

    override fun find(image: LumaImage, faces: FaceBoxes) {
        known.clear()
        candidates.clear()
        pictureParts.cover(image.uprightWidth, image.uprightHeight)
        for (part in 0 until pictureParts.count) addCandidates(image, pictureParts, part)
        confirmCandidates(image)
        frame(image, faces)
        reset()
    }

    override fun findNext(image: LumaImage, faces: FaceBoxes) {
        val start = nanoTime()
        followKnown(image)
        if (frameParts.cover(image.uprightWidth, image.uprightHeight)) turn = 0
        candidates.clear()
        var searched = 0
        while (searched < frameParts.count) {
            if (searched >= LEAST_PARTS && nanoTime() - start >= budget) break
            addCandidates(image, frameParts, turn)
            turn = (turn + 1) % frameParts.count
            searched++
        }
        confirmCandidates(image)
        frame(image, faces)
    }

    override fun reset() {
        known.clear()
        turn = 0
    }

    /** Looks where the faces of the last frame were, and keeps those that are there still. */
    private fun followKnown(image: LumaImage) {
        candidates.clear()
        candidates.addAll(known)
        known.clear()
        for (i in 0 until candidates.count) {
            val there = lookCloser(image, i, CLOSE_LOOKS[1]) && again.confidence > STILL_THERE_THRESHOLD
            if (there && !known.contains(again.x, again.y, again.side)) again.addTo(known)
        }
    }

    private fun addCandidates(image: LumaImage, parts: Parts, part: Int) {
        network.look(
            image, parts.x[part], parts.y[part], parts.side[part], CANDIDATE_THRESHOLD, looked,
        )
        candidates.addAll(looked)
    }

    private fun confirmCandidates(image: LumaImage) {
        for (i in 0 until candidates.count) {
            if (known.count == MAX_FACES) return
            if (known.contains(candidates.x[i], candidates.y[i], candidates.side[i])) continue
            val isFace = confirm(image, i)
            if (isFace && !known.contains(confirmed.x, confirmed.y, confirmed.side)) {
                confirmed.addTo(known)
            }
        }
    }

    /** Looks closely at a candidate; whether it is a face, which is [confirmed] then. */
    private fun confirm(image: LumaImage, candidate: Int): Boolean {
        confirmed.set(0f, 0f, 0f, 0f)
        for (factor in CLOSE_LOOKS) {
            if (!lookCloser(image, candidate, factor)) continue
            val weight = again.confidence
            confirmed.x += weight * again.x
            confirmed.y += weight * again.y
            confirmed.side += weight * again.side
            confirmed.confidence += weight
        }
        val weights = confirmed.confidence
        if (weights <= CONFIRMED_THRESHOLD * CLOSE_LOOKS.size) return false
        confirmed.set(
            confirmed.x / weights,
            confirmed.y / weights,
            confirmed.side / weights,
            weights / CLOSE_LOOKS.size,
        )
        return true
    }

    /** Finds the face of a candidate in a square around it; whether it is there, as [again]. */
    private fun lookCloser(image: LumaImage, candidate: Int, factor: Float): Boolean {
        val x = candidates.x[candidate]
        val y = candidates.y[candidate]
        val side = candidates.side[candidate]
        val around = factor * side
        // Boxes of a hostile picture's making shall not grow without end.
        val most = 4f * maxOf(image.uprightWidth, image.uprightHeight)
        if (!(around >= 8f && around <= most)) return false
        network.look(image, x, y, around, CANDIDATE_THRESHOLD / 2, looked)
        for (i in 0 until looked.count) { // the most confident first
            if (looked.overlap(i, x, y, side) <= BlazeFace.SAME_FACE) continue
            again.set(looked.x[i], looked.y[i], looked.side[i], looked.confidence[i])
            return true
        }
        return false
    }

    /** What FER2013 shows of the known faces. */
    private fun frame(image: LumaImage, faces: FaceBoxes) {
        faces.clear()
        for (i in 0 until known.count) {
            val side = known.side[i]
            faces.add(
                known.x[i],
                known.y[i] - FRAME_RISE * side,
                FRAME_SIDE * side,
                image.uprightWidth,
                image.uprightHeight,
            )
        }
    }

    override fun close() = network.close()

    private class Square {
        var x = 0f
        var y = 0f
        var side = 0f
        var confidence = 0f

        fun set(x: Float, y: Float, side: Float, confidence: Float) {
            this.x = x
            this.y = y
            this.side = side
            this.confidence = confidence
        }

        fun addTo(squares: Squares) = squares.add(x, y, side, confidence)
    }

    private companion object {
        // As fer_larq has them.
        const val PICTURE_LEVELS = 4
        const val FRAME_LEVELS = 3
        const val CANDIDATE_THRESHOLD = 0.5f
        const val CONFIRMED_THRESHOLD = 0.65f
        const val STILL_THERE_THRESHOLD = 0.5f
        val CLOSE_LOOKS = floatArrayOf(1.6f, 2f, 3f)

        // What FER2013 frames of a face, told from BlazeFace's box: BLAZEFACE_FRAMING of fer_larq.
        const val FRAME_SIDE = 1.17f
        const val FRAME_RISE = 0.094f

        const val MOST_CANDIDATES = 64

        /** Squares that are searched in each frame: all 42 of 640 x 480 in 14 frames. */
        const val LEAST_PARTS = 3
        const val BUDGET = 15_000_000L
    }
}

/**
 * The squares of an image that are searched, large ones first. Neighbours share half of their side,
 * so that a face of at most that size is whole in one.
 */
class Parts(private val levels: Int) {
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
        for (level in 0 until levels) {
            val side = maxOf(width, height) / (1 shl level).toFloat()
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
