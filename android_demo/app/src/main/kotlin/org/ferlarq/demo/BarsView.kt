package org.ferlarq.demo

import android.content.Context
import android.graphics.Canvas
import android.graphics.Paint
import android.util.AttributeSet
import android.util.TypedValue
import android.view.View

/** A bar for each expression: its word, and a length from 0 to 1. */
class BarsView(context: Context, attributes: AttributeSet? = null) : View(context, attributes) {
    private var labels: List<String> = emptyList()
    private var names: List<String> = emptyList()
    private var shares = FloatArray(0)
    private var best = -1
    private var start = 0f // of the bars, right of all names

    private val text = Paint(Paint.ANTI_ALIAS_FLAG).apply {
        textSize = pixels(TypedValue.COMPLEX_UNIT_SP, 15f)
        color = context.getColor(R.color.text)
    }
    private val bar = Paint().apply { color = context.getColor(R.color.text_secondary) }
    private val bestBar = Paint().apply { color = context.getColor(R.color.accent) }
    private val track = Paint().apply { color = context.getColor(R.color.surface) }
    private val gap = pixels(TypedValue.COMPLEX_UNIT_DIP, 5f)
    private val rowHeight = text.descent() - text.ascent() + gap

    private fun pixels(unit: Int, value: Float) =
        TypedValue.applyDimension(unit, value, resources.displayMetrics)

    /** @param shares one for each label; empty where no face is seen. */
    fun show(labels: List<String>, shares: FloatArray) {
        if (labels != this.labels) {
            this.labels = labels
            names = labels.map { expressionName(context, it) }
            start = (names.maxOfOrNull(text::measureText) ?: 0f) + 2 * gap
            requestLayout()
        }
        this.shares = shares
        best = shares.indices.maxByOrNull { shares[it] } ?: -1
        contentDescription = if (best < 0) null else names[best]
        invalidate()
    }

    override fun onMeasure(widthSpec: Int, heightSpec: Int) {
        val height = Math.ceil((rowHeight * names.size).toDouble()).toInt()
        setMeasuredDimension(getDefaultSize(0, widthSpec), resolveSize(height, heightSpec))
    }

    override fun onDraw(canvas: Canvas) {
        for ((i, name) in names.withIndex()) {
            val top = i * rowHeight
            val bottom = top + rowHeight - gap
            text.isFakeBoldText = i == best
            canvas.drawText(name, 0f, top - text.ascent(), text)
            canvas.drawRect(start, top, width.toFloat(), bottom, track)
            val end = start + (width - start) * (shares.getOrNull(i) ?: 0f)
            canvas.drawRect(start, top, end, bottom, if (i == best) bestBar else bar)
        }
    }
}
