package org.ferlarq.demo.ui

import android.content.Context
import android.graphics.Bitmap
import android.graphics.Canvas
import android.graphics.Path
import android.graphics.RectF
import android.os.SystemClock
import android.util.AttributeSet
import android.view.View
import org.ferlarq.demo.R
import org.ferlarq.demo.inference.Face

/**
 * Draws faces' frames and expressions over a preview, or over a picture that it draws itself. The
 * image keeps its shape and fills the view in one direction. A screen reader is told of the faces
 * when they change, but no oftener than it can speak.
 */
class FacesView(context: Context, attributes: AttributeSet? = null) : View(context, attributes) {
    private var picture: Bitmap? = null
    private var imageWidth = 1
    private var imageHeight = 1
    private var faces: List<Face> = emptyList()
    private var labels: List<String> = emptyList()
    private var mirrored = false
    private val painter = FacePainter(context)
    private val place = RectF()
    private val outline = Path()
    private val corner = resources.getDimension(R.dimen.corner)
    private var described = 0L

    /** Shows a picture with its faces, which are numbered if there are several. */
    fun showPicture(picture: Bitmap, faces: List<Face>, labels: List<String>) {
        this.picture = picture
        painter.numbered = faces.size > 1
        clear()
        showFaces(picture.width, picture.height, faces, labels, mirrored = false)
    }

    fun showFaces(
        width: Int,
        height: Int,
        faces: List<Face>,
        labels: List<String>,
        mirrored: Boolean,
    ) {
        imageWidth = width
        imageHeight = height
        this.faces = faces
        this.labels = labels
        this.mirrored = mirrored
        val now = SystemClock.uptimeMillis()
        if (contentDescription == null || now - described >= DESCRIPTION_MILLIS) {
            described = now
            contentDescription = describe(context, faces, labels)
        }
        invalidate()
    }

    /** Takes all faces away. */
    fun clear() {
        faces = emptyList()
        contentDescription = null
        invalidate()
    }

    override fun onDraw(canvas: Canvas) {
        val scale = minOf(width.toFloat() / imageWidth, height.toFloat() / imageHeight)
        val left = (width - imageWidth * scale) / 2
        val top = (height - imageHeight * scale) / 2
        place.set(left, top, left + imageWidth * scale, top + imageHeight * scale)
        picture?.let {
            outline.rewind()
            outline.addRoundRect(place, corner, corner, Path.Direction.CW)
            canvas.save()
            canvas.clipPath(outline)
            canvas.drawBitmap(it, null, place, painter.picture)
            canvas.restore()
        }
        painter.draw(canvas, faces, labels, place, scale, mirrored)
    }

    private companion object {
        const val DESCRIPTION_MILLIS = 2000
    }
}
