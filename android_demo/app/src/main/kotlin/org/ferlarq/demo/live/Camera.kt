package org.ferlarq.demo.live

import android.graphics.Matrix
import android.graphics.RectF
import android.view.Display
import android.view.Surface
import android.view.TextureView
import java.io.Closeable

enum class Lens { BACK, FRONT }

enum class CameraFailure { NONE_THERE, IN_USE, BROKEN }

/** The phone's cameras. Its methods are called on the main thread, and so are its listeners. */
interface Camera : Closeable {
    /** Which lenses there are; empty if the phone has no camera. */
    val lenses: Set<Lens>

    /**
     * Starts a camera that shows itself in [preview] and gives its frames to [frames], on a thread
     * of its own. A camera that was open is closed.
     */
    fun open(lens: Lens, preview: TextureView, frames: (Frame) -> Unit, listener: Listener)

    /** Stops the camera, if one is open. */
    override fun close()

    interface Listener {
        /** The first frame is about to come. */
        fun opened()

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
