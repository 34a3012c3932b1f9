package org.ferlarq.demo.inference

import java.io.Closeable
import org.ferlarq.demo.image.LumaImage

/** Finds faces. Used by one thread at a time. */
interface FaceDetector : Closeable {
    /** Puts all faces of an image into [faces], the largest first. */
    fun find(image: LumaImage, faces: FaceBoxes)

    /**
     * Puts the faces of a stream's next frame into [faces], the largest first, in a time that is
     * bounded: known faces are followed, new ones may take some frames to be found.
     */
    fun findNext(image: LumaImage, faces: FaceBoxes)

    /** Forgets the faces of the stream: another begins. */
    fun reset()
}

/** A list of squares that is filled again and again, as [org.ferlarq.demo.image.FaceBox] describes them. */
class FaceBoxes {
    val left = IntArray(MAX_FACES)
    val top = IntArray(MAX_FACES)
    val size = IntArray(MAX_FACES)
    val angle = IntArray(MAX_FACES)
    var count = 0
        private set

    fun clear() {
        count = 0
    }

    /** Adds a square, if it is not too small. Of more than MAX_FACES, the largest stay. */
    fun add(centreX: Float, centreY: Float, side: Float, newAngle: Int = 0) {
        val newSize = Math.round(side)
        if (newSize < SMALLEST_FACE) return
        if (count == MAX_FACES) {
            if (size[MAX_FACES - 1] >= newSize) return
            count--
        }
        var at = count++
        while (at > 0 && size[at - 1] < newSize) {
            left[at] = left[at - 1]
            top[at] = top[at - 1]
            size[at] = size[at - 1]
            angle[at] = angle[at - 1]
            at--
        }
        left[at] = Math.round(centreX - newSize / 2f)
        top[at] = Math.round(centreY - newSize / 2f)
        size[at] = newSize
        angle[at] = newAngle
    }

    companion object {
        const val MAX_FACES = 8
        const val SMALLEST_FACE = 16 // pixels; smaller ones hold nothing to classify
    }
}
