package org.ferlarq.demo.inference

import android.graphics.Bitmap
import android.graphics.Color
import android.graphics.PointF
import android.media.FaceDetector.Face
import org.ferlarq.demo.image.AreaReduction
import org.ferlarq.demo.image.LumaImage
import org.ferlarq.demo.inference.FaceBoxes.Companion.MAX_FACES

/** Finds pairs of eyes in a picture of 16-bit colours with an even width. */
fun interface EyeFinder {
    /** Calls [found] with the middle between two eyes and their distance, in pixels. */
    fun find(picture: Bitmap, found: (x: Float, y: Float, distance: Float) -> Unit)
}

/**
 * Android's own face detector, for phones where TensorFlow Lite does not load. It finds upright faces
 * that look at the camera, by their eyes.
 */
class PlatformFaceDetector(private val eyes: EyeFinder = AndroidEyeFinder()) : FaceDetector {
    private val reduction = AreaReduction()
    private var reduced = ByteArray(0)
    private var colours = IntArray(0)
    private var picture: Bitmap? = null

    override fun find(image: LumaImage, faces: FaceBoxes) = search(image, PICTURE_SIDE, faces)

    override fun findNext(image: LumaImage, faces: FaceBoxes) = search(image, FRAME_SIDE, faces)

    private fun search(image: LumaImage, longestSide: Int, faces: FaceBoxes) {
        val longer = maxOf(image.uprightWidth, image.uprightHeight)
        val scale = minOf(1f, longestSide.toFloat() / longer)
        val width = maxOf(2, (image.uprightWidth * scale).toInt() and 1.inv())
        val height = maxOf(1, (image.uprightHeight * scale).toInt())
        val bitmap = shrink(image, width, height)
        faces.clear()
        eyes.find(bitmap) { x, y, distance ->
            val side = SIDE_OF_DISTANCE * distance
            val centreY = y + (0.5f - EYES_AT) * side
            faces.add(
                x * image.uprightWidth / width,
                centreY * image.uprightHeight / height,
                side * image.uprightWidth / width,
            )
        }
    }

    /** The image in grey, in the form that the finder wants. */
    private fun shrink(image: LumaImage, width: Int, height: Int): Bitmap {
        var bitmap = picture
        if (bitmap == null || bitmap.width != width || bitmap.height != height) {
            bitmap = Bitmap.createBitmap(width, height, Bitmap.Config.RGB_565)
            picture = bitmap
            reduced = ByteArray(width * height)
            colours = IntArray(width * height)
        }
        reduction.reduce(image, 0, 0, image.uprightWidth, image.uprightHeight, reduced, width, height)
        for (i in colours.indices) {
            val grey = reduced[i].toInt() and 0xff
            colours[i] = Color.rgb(grey, grey, grey)
        }
        bitmap.setPixels(colours, 0, width, 0, 0, width, height)
        return bitmap
    }

    override fun reset() = Unit

    override fun close() = Unit

    private companion object {
        const val FRAME_SIDE = 320
        const val PICTURE_SIDE = 1024

        // Medians over 930 of FER2013's training faces, by the points that BlazeFace gives of eyes:
        // the frame's side in distances between the eyes, and how far down in it they lie.
        const val SIDE_OF_DISTANCE = 2.68f
        const val EYES_AT = 0.4f
    }
}

private class AndroidEyeFinder : EyeFinder {
    private val faces = arrayOfNulls<Face>(MAX_FACES)
    private val middle = PointF()

    override fun find(picture: Bitmap, found: (x: Float, y: Float, distance: Float) -> Unit) {
        val detector = android.media.FaceDetector(picture.width, picture.height, MAX_FACES)
        val count = detector.findFaces(picture, faces)
        for (i in 0 until count) {
            val face = faces[i] ?: continue
            if (face.confidence() < Face.CONFIDENCE_THRESHOLD) continue
            face.getMidPoint(middle)
            found(middle.x, middle.y, face.eyesDistance())
        }
    }
}
