package org.ferlarq.demo.model

import android.content.Context
import android.graphics.Canvas
import android.graphics.Paint
import android.util.AttributeSet
import android.view.View
import org.ferlarq.demo.R

/** Two words of eight bits and, below, where they differ: how a product of signs is counted. */
class BitsView(context: Context, attributes: AttributeSet? = null) : View(context, attributes) {
    private val one = Paint().apply { color = context.getColor(R.color.text) }
    private val zero = Paint().apply { color = context.getColor(R.color.surface) }
    private val different = Paint().apply { color = context.getColor(R.color.accent) }
    private val unit = resources.displayMetrics.density * 4

    override fun onMeasure(widthSpec: Int, heightSpec: Int) {
        setMeasuredDimension(getDefaultSize(0, widthSpec), (unit * 28).toInt())
    }

    override fun onDraw(canvas: Canvas) {
        drawRow(canvas, 0f, SIGNAL, one)
        drawRow(canvas, unit * 9, WEIGHTS, one)
        drawRow(canvas, unit * 20, SIGNAL xor WEIGHTS, different)
    }

    private fun drawRow(canvas: Canvas, top: Float, word: Int, set: Paint) {
        for (bit in 0 until 8) {
            val left = bit * unit * 9
            val paint = if (word shr (7 - bit) and 1 == 1) set else zero
            canvas.drawRect(left, top, left + unit * 8, top + unit * 8, paint)
        }
    }

    private companion object {
        const val SIGNAL = 0b1011_0010
        const val WEIGHTS = 0b1001_1011 // differs from it in three places
    }
}
