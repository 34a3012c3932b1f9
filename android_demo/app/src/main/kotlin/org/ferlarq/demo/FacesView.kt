package org.ferlarq.demo

import android.content.Context
import android.graphics.Bitmap
import android.graphics.Canvas
import android.graphics.Paint
import android.graphics.RectF
import android.os.SystemClock
import android.util.AttributeSet
import android.util.TypedValue
import android.view.View
import org.ferlarq.demo.inference.FaceBoxes.Companion.MAX_FACES
import org.ferlarq.demo.live.FaceReading

/**
 * Draws faces' frames and expressions over a preview, or over a picture that it draws itself. The
 * image keeps its shape and fills the view in one direction. A screen reader is told of the faces
 * when they change, but no oftener than it can speak.
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
    private var described = 0L

    /** Shows a picture with its faces, which are numbered if there are several. */
    fun showPicture(picture: Bitmap, faces: List<FaceReading>, labels: List<String>) {
        this.picture = picture
        painter.numbered = faces.size > 1
        clear()
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
        val now = SystemClock.uptimeMillis()
        if (contentDescription == null || now - described >= DESCRIPTION_MILLIS) {
            described = now
            contentDescription = describeFaces(context, faces, labels)
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
        picture?.let { canvas.drawBitmap(it, null, place, painter.picture) }
        painter.draw(canvas, faces, labels, place, scale, mirrored)
    }

    private companion object {
        const val DESCRIPTION_MILLIS = 2000
    }
}

/** Draws frames around faces, and their expressions where they hide little. */
class FacePainter(private val context: Context) {
    val picture = Paint(Paint.FILTER_BITMAP_FLAG)

    /**
     * Whether each expression has its face's number before it. Where there is no room for all, the
     * numbers stand alone.
     */
    var numbered = false

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
    private var margin = pixels(TypedValue.COMPLEX_UNIT_DIP, 6f)
    private val places = LabelPlaces(MAX_FACES)
    private val words = Array(MAX_FACES) { "" }

    private fun pixels(unit: Int, value: Float) =
        TypedValue.applyDimension(unit, value, context.resources.displayMetrics)

    /** Makes letters and lines fit an image of [width] pixels, instead of the screen. */
    fun fitTo(width: Int) {
        text.textSize = maxOf(16f, width / 28f)
        margin = text.textSize / 3
        frame.strokeWidth = text.textSize / 6
    }

    /** @param place where the image lies on the canvas, at [scale]. */
    fun draw(
        canvas: Canvas,
        faces: List<FaceReading>,
        labels: List<String>,
        place: RectF,
        scale: Float,
        mirrored: Boolean,
    ) {
        for (i in faces.indices) {
            val name = expressionName(context, labels[faces[i].best])
            words[i] = if (numbered) context.getString(R.string.numbered_face, i + 1, name) else name
        }
        if (!arrange(faces, place, scale, mirrored) && numbered) {
            for (i in faces.indices) words[i] = "${i + 1}"
            arrange(faces, place, scale, mirrored)
        }
        for (i in faces.indices) canvas.drawRect(places.frame(i), frame)
        for (i in faces.indices) {
            val label = places.label(i)
            canvas.drawRect(label, background)
            canvas.drawText(words[i], label.left + margin, label.top + margin / 2 - text.ascent(), text)
        }
    }

    private fun arrange(
        faces: List<FaceReading>,
        place: RectF,
        scale: Float,
        mirrored: Boolean,
    ): Boolean {
        places.clear(place)
        for (i in faces.indices) {
            val box = faces[i].box
            val size = box.size * scale
            val fromLeft = box.left * scale
            val left = if (mirrored) place.right - fromLeft - size else place.left + fromLeft
            val top = place.top + box.top * scale
            val width = text.measureText(words[i]) + 2 * margin
            places.add(left, top, size, width, text.descent() - text.ascent() + margin)
        }
        return places.arrange()
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
