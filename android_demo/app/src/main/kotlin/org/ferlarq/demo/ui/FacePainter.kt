package org.ferlarq.demo.ui

import android.content.Context
import android.graphics.Canvas
import android.graphics.Paint
import android.graphics.RectF
import org.ferlarq.demo.R
import org.ferlarq.demo.inference.Face
import org.ferlarq.demo.inference.FaceBoxes.Companion.MAX_FACES

/** Draws frames around faces, and their expressions where they hide little. */
class FacePainter(private val context: Context) {
    val picture = Paint(Paint.FILTER_BITMAP_FLAG)

    /**
     * Whether each expression has its face's number before it. Where there is no room for all, the
     * numbers stand alone.
     */
    var numbered = false

    private val frame = stroke(R.color.face_frame)
    private val shadow = stroke(R.color.face_shadow)
    private val text = Paint(Paint.ANTI_ALIAS_FLAG).apply {
        color = context.getColor(R.color.face_label)
        isFakeBoldText = true
    }
    private val background = Paint(Paint.ANTI_ALIAS_FLAG).apply {
        color = context.getColor(R.color.face_label_background)
    }
    private var margin = 0f
    private val places = LabelPlaces(MAX_FACES)
    private val words = Array(MAX_FACES) { "" }

    init {
        setLetters(context.sp(15f))
    }

    private fun stroke(colour: Int) = Paint(Paint.ANTI_ALIAS_FLAG).apply {
        style = Paint.Style.STROKE
        color = context.getColor(colour)
    }

    /** Makes letters and lines fit an image of [width] pixels, instead of the screen. */
    fun fitTo(width: Int) = setLetters(maxOf(16f, width / 28f))

    private fun setLetters(size: Float) {
        text.textSize = size
        margin = size / 2
        frame.strokeWidth = size / 6
        shadow.strokeWidth = size / 3
    }

    /** @param place where the image lies on the canvas, at [scale]. */
    fun draw(
        canvas: Canvas,
        faces: List<Face>,
        labels: List<String>,
        place: RectF,
        scale: Float,
        mirrored: Boolean,
    ) {
        for (i in faces.indices) {
            val said = describe(context, faces[i], labels)
            words[i] = if (numbered) context.getString(R.string.numbered_face, i + 1, said) else said
        }
        if (!arrange(faces, place, scale, mirrored) && numbered) {
            for (i in faces.indices) words[i] = "${i + 1}"
            arrange(faces, place, scale, mirrored)
        }
        for (i in faces.indices) {
            val square = places.frame(i)
            val round = minOf(square.width() / 8, 2 * margin)
            val angle = faces[i].box.angle.toFloat()
            canvas.save()
            canvas.clipRect(place)
            canvas.rotate(if (mirrored) -angle else angle, square.centerX(), square.centerY())
            canvas.drawRoundRect(square, round, round, shadow)
            canvas.drawRoundRect(square, round, round, frame)
            canvas.restore()
        }
        for (i in faces.indices) {
            val label = places.label(i)
            canvas.drawRoundRect(label, margin, margin, background)
            canvas.drawText(words[i], label.left + margin, label.top + margin / 2 - text.ascent(), text)
        }
    }

    private fun arrange(faces: List<Face>, place: RectF, scale: Float, mirrored: Boolean): Boolean {
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
