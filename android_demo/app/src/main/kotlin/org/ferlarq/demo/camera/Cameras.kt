package org.ferlarq.demo.camera

import android.graphics.Matrix
import android.graphics.RectF
import android.view.Display
import android.view.Surface
import java.io.Closeable
import org.ferlarq.demo.image.LumaImage

enum class Lens { BACK, FRONT }

enum class CameraFailure { NONE_THERE, IN_USE, IN_OTHER_WINDOW, DISABLED, BROKEN }

/** Copies a camera's frame into an image that is used again and again. */
fun interface Frame {
    fun copyInto(image: LumaImage)
}

/** The phone's cameras. Its methods are called on the main thread, and so are its listeners. */
interface Cameras {
    /**
     * Starts a camera that shows itself in [preview] and gives its frames to [frames], on a thread of
     * its own, until the result is closed. Whoever had a camera open is told IN_OTHER_WINDOW.
     *
     * @param wish the lens if there is such a one, else another; null for the front camera.
     */
    fun open(wish: Lens?, preview: Preview, frames: (Frame) -> Unit, listener: Listener): Closeable

    /** Calls [action] once, when a camera that was in use is free, unless the result is closed before. */
    fun whenFree(action: () -> Unit): Closeable

    interface Listener {
        /**
         * The first frame is about to come.
         *
         * @param canSwitch whether the phone has a camera on the other side as well.
         */
        fun opened(lens: Lens, canSwitch: Boolean)

        /** There will be no more frames. */
        fun failed(failure: CameraFailure)
    }
}

/** Degrees by which a display is turned against the way the phone was made to be held. */
fun degreesOf(display: Display?): Int = when (display?.rotation) {
    Surface.ROTATION_90 -> 90
    Surface.ROTATION_180 -> 180
    Surface.ROTATION_270 -> 270
    else -> 0
}

/** Degrees that a frame must be turned clockwise to stand upright on the display. */
fun frameRotation(sensorOrientation: Int, displayDegrees: Int, lens: Lens): Int {
    val turn = if (lens == Lens.FRONT) displayDegrees else -displayDegrees
    return Math.floorMod(sensorOrientation + turn, 360)
}

/**
 * The matrix of a TextureView of [viewWidth] x [viewHeight] that shows a camera. The system turns
 * the camera's picture for a phone that is held as it was made to be, so that only the turn of the
 * display, and the stretch that comes with a quarter turn, are left to undo.
 */
fun previewMatrix(viewWidth: Float, viewHeight: Float, displayDegrees: Int): Matrix {
    val matrix = Matrix()
    val centreX = viewWidth / 2
    val centreY = viewHeight / 2
    if (displayDegrees % 180 != 0) {
        val view = RectF(0f, 0f, viewWidth, viewHeight)
        val turned = RectF(0f, 0f, viewHeight, viewWidth)
        turned.offset(centreX - turned.centerX(), centreY - turned.centerY())
        matrix.setRectToRect(view, turned, Matrix.ScaleToFit.FILL)
    }
    matrix.postRotate(-displayDegrees.toFloat(), centreX, centreY)
    return matrix
}
