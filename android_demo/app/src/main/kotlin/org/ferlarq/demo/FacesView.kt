package org.ferlarq.demo

import android.content.Context
import android.graphics.Bitmap
import android.graphics.Canvas
import android.graphics.Paint
import android.graphics.RectF
import android.util.AttributeSet
import android.util.TypedValue
import android.view.View
import org.ferlarq.demo.live.FaceReading

/**
 * Draws faces' frames and expressions over a preview, or over a picture that it draws itself. The
 * image keeps its shape and fills the view in one direction.
 */
class FacesView(context: Context, attributes: AttributeSet? = null) : View(context, attributes) {
    private var picture: Bitmap? = null
    private var imageWidth = 1
    private var imageHeight = 1
    private var faces: List<FaceReading> = emptyList()
    private var labels: List<String> = emptyList()
    private var mirrored = false
    private val painter = FacePainter(context)
    private val place = RectF()

    fun showPicture(picture: Bitmap, faces: List<FaceReading>, labels: List<String>) {
        this.picture = picture
        showFaces(picture.width, picture.height, faces, labels, mirrored = false)
    }

    fun showFaces(
        width: Int,
        height: Int,
        faces: List<FaceReading>,
        labels: List<String>,
        mirrored: Boolean,
    ) {
        imageWidth = width
        imageHeight = height
        this.faces = faces
        this.labels = labels
        this.mirrored = mirrored
        contentDescription = describeFaces(context, faces, labels)
        invalidate()
    }

    override fun onDraw(canvas: Canvas) {
        val scale = minOf(width.toFloat() / imageWidth, height.toFloat() / imageHeight)
        val left = (width - imageWidth * scale) / 2
        val top = (height - imageHeight * scale) / 2
        place.set(left, top, left + imageWidth * scale, top + imageHeight * scale)
        picture?.let { canvas.drawBitmap(it, null, place, painter.picture) }
        for (face in faces) painter.draw(canvas, face, labels, place, scale, mirrored)
    }
}

/** Draws a frame around a face, and its expression. */
class FacePainter(private val context: Context) {
    val picture = Paint(Paint.FILTER_BITMAP_FLAG)
    private val frame = Paint(Paint.ANTI_ALIAS_FLAG).apply {
        style = Paint.Style.STROKE
        strokeWidth = pixels(TypedValue.COMPLEX_UNIT_DIP, 3f)
        color = context.getColor(R.color.face_frame)
    }
    private val text = Paint(Paint.ANTI_ALIAS_FLAG).apply {
        textSize = pixels(TypedValue.COMPLEX_UNIT_SP, 16f)
        color = context.getColor(R.color.face_label)
    }
    private val background = Paint().apply { color = context.getColor(R.color.face_label_background) }
    private val margin = pixels(TypedValue.COMPLEX_UNIT_DIP, 6f)
    private val box = RectF()

    private fun pixels(unit: Int, value: Float) =
        TypedValue.applyDimension(unit, value, context.resources.displayMetrics)

    /** @param place where the image lies on the canvas, at [scale]. */
    fun draw(
        canvas: Canvas,
        face: FaceReading,
        labels: List<String>,
        place: RectF,
        scale: Float,
        mirrored: Boolean,
    ) {
        val size = face.box.size * scale
        val fromLeft = face.box.left * scale
        val left = if (mirrored) place.right - fromLeft - size else place.left + fromLeft
        val top = place.top + face.box.top * scale
        canvas.drawRect(left, top, left + size, top + size, frame)

        val word = expressionName(context, labels[face.best])
        val height = text.descent() - text.ascent() + margin
        val width = text.measureText(word) + 2 * margin
        val x = left.coerceIn(place.left, maxOf(place.left, place.right - width))
        val y = if (top - height >= place.top) top - height else top
        box.set(x, y, x + width, y + height)
        canvas.drawRect(box, background)
        canvas.drawText(word, x + margin, y + margin / 2 - text.ascent(), text)
    }

    fun setTextSize(size: Float) {
        text.textSize = size
    }
}

/** The user's word for a label of the model; the label itself if there is none. */
fun expressionName(context: Context, label: String): String {
    val name = when (label) {
        "angry" -> R.string.angry
        "disgust" -> R.string.disgust
        "fear" -> R.string.fear
        "happy" -> R.string.happy
        "sad" -> R.string.sad
        "surprise" -> R.string.surprise
        "neutral" -> R.string.neutral
        else -> return label
    }
    return context.getString(name)
}

/** What a screen reader says of the faces. */
fun describeFaces(context: Context, faces: List<FaceReading>, labels: List<String>): String =
    if (faces.isEmpty()) {
        context.getString(R.string.no_face_seen)
    } else {
        val words = faces.joinToString { expressionName(context, labels[it.best]) }
        context.resources.getQuantityString(R.plurals.faces_seen, faces.size, faces.size, words)
    }
