package org.ferlarq.demo.live

import android.content.Context
import android.graphics.Bitmap
import android.graphics.Canvas
import android.graphics.Paint
import android.graphics.Path
import android.graphics.RectF
import android.util.AttributeSet
import android.view.View
import org.ferlarq.demo.R
import org.ferlarq.demo.ui.dp
import org.ferlarq.demo.ui.expressionColour
import org.ferlarq.demo.ui.expressionName
import org.ferlarq.demo.ui.percent
import org.ferlarq.demo.ui.sp

/** The probabilities of the last seconds, a line for each expression, the newest at the right. */
class HistoryView(context: Context, attributes: AttributeSet? = null) : View(context, attributes) {
    var history: History? = null
        set(value) {
            field = value
            invalidate()
        }

    private val painter = HistoryPainter(context)
    private val place = RectF()

    override fun onDraw(canvas: Canvas) {
        place.set(0f, 0f, width.toFloat(), height.toFloat())
        painter.draw(canvas, history, place)
    }
}

/** Draws a history, on the screen or for others. */
class HistoryPainter(private val context: Context) {
    private val line = Paint(Paint.ANTI_ALIAS_FLAG).apply {
        style = Paint.Style.STROKE
        strokeJoin = Paint.Join.ROUND
        strokeCap = Paint.Cap.ROUND
    }
    private val text = Paint(Paint.ANTI_ALIAS_FLAG).apply { color = context.getColor(R.color.text_secondary) }
    private val grid = Paint().apply { color = context.getColor(R.color.track) }
    private val path = Path()
    private val seconds = context.getString(R.string.seconds_ago, History.SECONDS)
    private val now = context.getString(R.string.now)

    init {
        setLetters(context.sp(12f), context.dp(2f))
    }

    private fun setLetters(size: Float, stroke: Float) {
        text.textSize = size
        line.strokeWidth = stroke
        grid.strokeWidth = stroke / 2
    }

    fun draw(canvas: Canvas, history: History?, place: RectF) {
        val numbers = text.measureText(percent(context, 100)) + text.textSize / 2
        val left = place.left + numbers
        val top = place.top + text.textSize / 2
        val bottom = place.bottom - 1.5f * text.textSize
        text.textAlign = Paint.Align.RIGHT
        for (share in GRID) {
            val y = bottom - share * (bottom - top)
            canvas.drawLine(left, y, place.right, y, grid)
            canvas.drawText(percent(context, Math.round(100 * share)), left - text.textSize / 2, y + text.textSize / 3, text)
        }
        canvas.drawText(now, place.right, place.bottom - text.descent(), text)
        text.textAlign = Paint.Align.LEFT
        canvas.drawText(seconds, left, place.bottom - text.descent(), text)
        if (history == null) return
        for ((label, name) in history.labels.withIndex()) {
            trace(history, label, left, top, place.right, bottom)
            line.color = expressionColour(context, name)
            canvas.drawPath(path, line)
        }
    }

    private fun trace(history: History, label: Int, left: Float, top: Float, right: Float, bottom: Float) {
        path.rewind()
        var drawing = false
        for (i in 0 until history.count) {
            val age = (history.newest - history.timeOf(i)) / (1000f * History.SECONDS)
            if (age > 1f) continue
            if (!history.isSeen(i)) {
                drawing = false
                continue
            }
            val x = right - age * (right - left)
            val y = bottom - history.probability(i, label) * (bottom - top)
            if (drawing) path.lineTo(x, y) else path.moveTo(x, y)
            drawing = true
        }
    }

    /** A picture of a history, with what each line stands for. */
    fun picture(history: History): Bitmap {
        val bitmap = Bitmap.createBitmap(WIDTH, HEIGHT, Bitmap.Config.ARGB_8888)
        val canvas = Canvas(bitmap)
        canvas.drawColor(context.getColor(R.color.background))
        setLetters(LETTERS, LETTERS / 7)
        draw(canvas, history, RectF(MARGIN, MARGIN, WIDTH - MARGIN, HEIGHT - 3 * MARGIN))
        text.textAlign = Paint.Align.LEFT
        var x = MARGIN
        val y = HEIGHT - MARGIN
        for (label in history.labels) {
            line.color = expressionColour(context, label)
            canvas.drawLine(x, y - LETTERS / 3, x + LETTERS, y - LETTERS / 3, line)
            val name = expressionName(context, label)
            canvas.drawText(name, x + 1.4f * LETTERS, y, text)
            x += 2.4f * LETTERS + text.measureText(name)
        }
        return bitmap
    }

    private companion object {
        val GRID = floatArrayOf(0f, 0.5f, 1f)
        const val WIDTH = 1200
        const val HEIGHT = 720
        const val MARGIN = 48f
        const val LETTERS = 28f
    }
}
