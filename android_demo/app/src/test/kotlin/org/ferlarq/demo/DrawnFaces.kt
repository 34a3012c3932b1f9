package org.ferlarq.demo

import android.graphics.Bitmap
import android.graphics.Canvas
import android.graphics.Color
import android.graphics.Paint
import org.ferlarq.demo.live.FaceReading

/** A picture with a drawn face in each square, which smiles or is surprised. */
fun drawnPicture(width: Int, height: Int, faces: List<FaceReading>): Bitmap {
    val picture = Bitmap.createBitmap(width, height, Bitmap.Config.ARGB_8888)
    val canvas = Canvas(picture)
    canvas.drawColor(Color.rgb(150, 170, 165))
    for (face in faces.asReversed()) drawFace(canvas, face)
    return picture
}

private fun drawFace(canvas: Canvas, face: FaceReading) {
    canvas.save()
    val unit = face.box.size / 10f
    canvas.translate(face.box.left + 5 * unit, face.box.top + 5 * unit)
    canvas.scale(unit, unit)
    canvas.drawOval(-4.3f, -5.2f, 4.3f, 3f, HAIR)
    canvas.drawOval(-3.8f, -4.2f, 3.8f, 5f, SKIN)
    for (side in listOf(-1, 1)) {
        canvas.drawOval(1.6f * side - 0.75f, -1.5f, 1.6f * side + 0.75f, -0.5f, WHITE)
        canvas.drawCircle(1.6f * side, -1f, 0.42f, DARK)
        canvas.drawArc(1.6f * side - 1f, -2.6f, 1.6f * side + 1f, -1.4f, 200f, 140f, false, LINE)
    }
    canvas.drawArc(-0.6f, -0.2f, 0.6f, 1.1f, 30f, 120f, false, LINE)
    if (LABELS[face.best] == "surprise") {
        canvas.drawOval(-0.9f, 1.7f, 0.9f, 3.8f, DARK)
    } else {
        canvas.drawArc(-1.9f, 0.3f, 1.9f, 3.3f, 20f, 140f, false, LINE)
    }
    canvas.restore()
}

private fun filled(red: Int, green: Int, blue: Int) =
    Paint(Paint.ANTI_ALIAS_FLAG).apply { color = Color.rgb(red, green, blue) }

private val SKIN = filled(224, 188, 160)
private val HAIR = filled(84, 62, 48)
private val DARK = filled(70, 40, 40)
private val WHITE = filled(250, 250, 250)
private val LINE = filled(84, 50, 44).apply {
    style = Paint.Style.STROKE
    strokeWidth = 0.28f
    strokeCap = Paint.Cap.ROUND
}
