package org.ferlarq.demo.inference

import kotlin.math.abs
import kotlin.math.atan2
import kotlin.math.cos
import kotlin.math.sin
import org.ferlarq.demo.image.LumaImage
import org.ferlarq.demo.inference.FaceBoxes.Companion.MAX_FACES

/**
 * Finds faces of any size with a network that sees one square at a time, as the desktop does
 * (`BlazeFaceDetector` of fer_larq): in overlapping squares of the image's size, half of it, a
 * quarter ...; each candidate is then turned upright by its eyes and looked at again, closely, which
 * sorts out what only looked like a face and centres the box.
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
    private val fineParts = Parts(PICTURE_LEVELS + 1, firstLevel = PICTURE_LEVELS)
    private val frameParts = Parts(FRAME_LEVELS)
    private var turn = 0

    private val looked = Squares(MOST_CANDIDATES)
    private val candidates = Squares(MOST_CANDIDATES)
    private val known = Squares(MAX_FACES)
    private val candidate = Square()
    private val turned = Square()
    private val upright = Square()
    private val again = Square()
    private val confirmed = Square()

    override fun find(image: LumaImage, faces: FaceBoxes) {
        known.clear()
        pictureParts.cover(image.uprightWidth, image.uprightHeight)
        searchAll(image, pictureParts)
        val smallest = (0 until known.count).minOfOrNull { known.side[it] } ?: 0f
        if (smallest < CROWD_SHARE * pictureParts.side.min()) {
            fineParts.cover(image.uprightWidth, image.uprightHeight)
            searchAll(image, fineParts)
        }
        if (known.count == 0) { // upright it finds faces that are turned by 60 degrees and more
            candidates.clear()
            for (angle in TURNS) if (angle != 0f) addCandidates(image, pictureParts, angle)
            confirmCandidates(image, Long.MAX_VALUE)
        }
        frame(faces)
        reset()
    }

    private fun searchAll(image: LumaImage, parts: Parts) {
        candidates.clear()
        addCandidates(image, parts, angle = 0f)
        confirmCandidates(image, Long.MAX_VALUE)
    }

    private fun addCandidates(image: LumaImage, parts: Parts, angle: Float) {
        for (part in 0 until parts.count) addCandidates(image, parts, part, angle)
    }

    override fun findNext(image: LumaImage, faces: FaceBoxes) {
        val start = nanoTime()
        followKnown(image)
        if (frameParts.cover(image.uprightWidth, image.uprightHeight)) turn = 0
        candidates.clear()
        var searched = 0
        while (searched < frameParts.count) {
            if (searched >= LEAST_PARTS && nanoTime() - start >= budget) break
            addCandidates(image, frameParts, turn, angle = 0f)
            turn = (turn + 1) % frameParts.count
            searched++
        }
        confirmCandidates(image, start + 2 * budget)
        frame(faces)
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
            candidate.set(candidates, i)
            candidate.angle = leveled(candidate.angle)
            val there = lookCloser(image, candidate, CLOSE_LOOKS[1]) && again.confidence > STILL_THERE_THRESHOLD
            if (there && !known.contains(again.x, again.y, again.side)) again.addTo(known)
        }
    }

    private fun addCandidates(image: LumaImage, parts: Parts, part: Int, angle: Float) {
        network.look(
            image, parts.x[part], parts.y[part], parts.side[part], angle, CANDIDATE_THRESHOLD, looked,
        )
        candidates.addAll(looked)
    }

    /** The most confident candidate, and others until [deadline], as the clock has it. */
    private fun confirmCandidates(image: LumaImage, deadline: Long) {
        for (i in 0 until candidates.count) {
            if (known.count == MAX_FACES || (i > 0 && nanoTime() >= deadline)) return
            candidate.set(candidates, i)
            if (known.contains(candidate.x, candidate.y, candidate.side)) continue
            val isFace = lookUpright(image) && confirm(image)
            if (isFace && !known.contains(confirmed.x, confirmed.y, confirmed.side)) {
                confirmed.addTo(known)
            }
        }
    }

    /**
     * Finds the look, turned as the face is, that shows [candidate] best, as [upright]; whether there
     * is one. The network finds faces on their side or head, too, but takes their chin for their
     * brow: so it is asked how sure it is when the face is turned.
     */
    private fun lookUpright(image: LumaImage): Boolean {
        upright.confidence = 0f
        for (turn in TURNS) {
            turned.set(candidate)
            turned.angle = signed(candidate.angle + turn)
            if (!lookCloser(image, turned, FIRST_LOOK) || again.confidence <= upright.confidence) continue
            upright.set(again)
            val tilt = abs(signed(again.angle - turned.angle))
            if (again.confidence > UPRIGHT_CONFIDENCE && tilt < UPRIGHT_DEGREES) break
        }
        return upright.confidence > 0f
    }

    /** Looks closely at [upright]; whether it is a face, which is [confirmed] then. */
    private fun confirm(image: LumaImage): Boolean {
        confirmed.x = 0f
        confirmed.y = 0f
        confirmed.side = 0f
        var weights = 0f
        var right = 0.0
        var down = 0.0
        for (factor in CLOSE_LOOKS) {
            if (!lookCloser(image, upright, factor)) continue
            val weight = again.confidence
            confirmed.x += weight * again.x
            confirmed.y += weight * again.y
            confirmed.side += weight * again.side
            right += weight * cos(Math.toRadians(again.angle.toDouble()))
            down += weight * sin(Math.toRadians(again.angle.toDouble()))
            weights += weight
        }
        if (weights <= CONFIRMED_THRESHOLD * CLOSE_LOOKS.size) return false
        confirmed.x /= weights
        confirmed.y /= weights
        confirmed.side /= weights
        confirmed.angle = Math.toDegrees(atan2(down, right)).toFloat()
        confirmed.confidence = weights / CLOSE_LOOKS.size
        return true
    }

    /** Finds a face again in a square around it that is turned as it is; whether it is there, as [again]. */
    private fun lookCloser(image: LumaImage, face: Square, factor: Float): Boolean {
        val around = factor * face.side
        // Boxes of a hostile picture's making shall not grow without end.
        val most = 4f * maxOf(image.uprightWidth, image.uprightHeight)
        if (!(around >= 8f && around <= most)) return false
        network.look(image, face.x, face.y, around, face.angle, CANDIDATE_THRESHOLD / 2, looked)
        for (i in 0 until looked.count) { // the most confident first
            if (looked.overlap(i, face.x, face.y, face.side) <= BlazeFace.SAME_FACE) continue
            again.set(looked, i)
            return true
        }
        return false
    }

    /** What FER2013 shows of the known faces. */
    private fun frame(faces: FaceBoxes) {
        faces.clear()
        for (i in 0 until known.count) {
            val side = known.side[i]
            val angle = leveled(known.angle(i))
            val rise = FRAME_RISE * side
            val radians = Math.toRadians(angle.toDouble())
            faces.add(
                known.x[i] + rise * sin(radians).toFloat(),
                known.y[i] - rise * cos(radians).toFloat(),
                FRAME_SIDE * side,
                Math.round(angle),
            )
        }
    }

    override fun close() = network.close()

    /** A face's box, turned by [angle] degrees, clockwise. */
    private class Square {
        var x = 0f
        var y = 0f
        var side = 0f
        var confidence = 0f
        var angle = 0f

        fun set(other: Square) {
            x = other.x
            y = other.y
            side = other.side
            confidence = other.confidence
            angle = other.angle
        }

        fun set(squares: Squares, i: Int) {
            x = squares.x[i]
            y = squares.y[i]
            side = squares.side[i]
            confidence = squares.confidence[i]
            angle = squares.angle(i)
        }

        fun addTo(squares: Squares) {
            val radians = Math.toRadians(angle.toDouble())
            squares.add(x, y, side, confidence, cos(radians).toFloat(), sin(radians).toFloat())
        }
    }

    private companion object {
        // As fer_larq has them.
        const val PICTURE_LEVELS = 4
        const val FRAME_LEVELS = 3
        const val CROWD_SHARE = 0.4f
        const val CANDIDATE_THRESHOLD = 0.5f
        const val CONFIRMED_THRESHOLD = 0.7f
        const val STILL_THERE_THRESHOLD = 0.5f
        const val FIRST_LOOK = 2f
        val CLOSE_LOOKS = floatArrayOf(1.6f, 2f, 3f)
        val TURNS = floatArrayOf(0f, 180f, 90f, -90f)
        const val UPRIGHT_CONFIDENCE = 0.8f
        const val UPRIGHT_DEGREES = 30f
        const val TURNING_THRESHOLD = 8f

        // What FER2013 frames of a face, told from BlazeFace's box: BLAZEFACE_FRAMING of fer_larq.
        const val FRAME_SIDE = 1.17f
        const val FRAME_RISE = 0.094f

        const val MOST_CANDIDATES = 64

        /** Squares that are searched in each frame: all 42 of 640 x 480 in 14 frames. */
        const val LEAST_PARTS = 3
        const val BUDGET = 15_000_000L

        /** The same angle between -180 and 180 degrees. */
        fun signed(degrees: Float) = (degrees + 180).mod(360f) - 180

        /** The angle of a face that is turned by so much that it is cut out upright; else 0. */
        fun leveled(angle: Float) = if (abs(angle) > TURNING_THRESHOLD) angle else 0f
    }
}
