package org.ferlarq.demo.model

import android.content.Context
import android.graphics.Canvas
import android.graphics.Paint
import android.util.AttributeSet
import android.view.View
import org.ferlarq.demo.R
import org.ferlarq.demo.ui.dp
import org.ferlarq.demo.ui.sp

/** Two words of eight bits and, below, where they differ: how a product of signs is counted. */
class BitsView(context: Context, attributes: AttributeSet? = null) : View(context, attributes) {
    private val one = filled(R.color.text)
    private val zero = filled(R.color.track)
    private val different = filled(R.color.accent)
    private val letters = Paint(Paint.ANTI_ALIAS_FLAG).apply {
        textSize = context.sp(14f)
        color = context.getColor(R.color.text_secondary)
    }
    private val cell = context.dp(24f)
    private val gap = context.dp(4f)
    private val names = listOf(R.string.bits_signal, R.string.bits_weights, R.string.bits_differ)
        .map(context::getString)
    private val start = names.maxOf(letters::measureText) + 3 * gap

    private fun filled(colour: Int) =
        Paint(Paint.ANTI_ALIAS_FLAG).apply { color = context.getColor(colour) }

    override fun onMeasure(widthSpec: Int, heightSpec: Int) {
        setMeasuredDimension(getDefaultSize(0, widthSpec), (3 * cell + 4 * gap).toInt())
    }

    override fun onDraw(canvas: Canvas) {
        val side = minOf(cell, (width - start) / 8 - gap)
        drawRow(canvas, 0f, side, names[0], SIGNAL, one)
        drawRow(canvas, cell + gap, side, names[1], WEIGHTS, one)
        drawRow(canvas, 2 * cell + 4 * gap, side, names[2], SIGNAL xor WEIGHTS, different)
    }

    private fun drawRow(canvas: Canvas, top: Float, side: Float, name: String, word: Int, set: Paint) {
        val rightToLeft = layoutDirection == LAYOUT_DIRECTION_RTL
        letters.textAlign = if (rightToLeft) Paint.Align.RIGHT else Paint.Align.LEFT
        val baseline = top + side / 2 - (letters.ascent() + letters.descent()) / 2
        canvas.drawText(name, if (rightToLeft) width.toFloat() else 0f, baseline, letters)
        for (bit in 0 until 8) {
            val from = if (rightToLeft) gap + bit * (side + gap) else start + bit * (side + gap)
            val paint = if (word shr (7 - bit) and 1 == 1) set else zero
            canvas.drawRoundRect(from, top, from + side, top + side, gap, gap, paint)
        }
    }

    private companion object {
        const val SIGNAL = 0b1011_0010
        const val WEIGHTS = 0b1001_1011 // differs from it in three places
    }
}
