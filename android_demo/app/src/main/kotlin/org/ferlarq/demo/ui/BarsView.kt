package org.ferlarq.demo.ui

import android.animation.ValueAnimator
import android.content.Context
import android.graphics.Canvas
import android.graphics.Paint
import android.util.AttributeSet
import android.view.View
import android.view.accessibility.AccessibilityNodeInfo
import android.view.animation.DecelerateInterpolator
import org.ferlarq.demo.R

/** A row for each expression: its word, a bar and its probability in per cent. */
class BarsView(context: Context, attributes: AttributeSet? = null) : View(context, attributes) {
    private var labels: List<String> = emptyList()
    private var names: List<String> = emptyList()
    private var colours = IntArray(0)
    private var probabilities = FloatArray(0)
    private var percents = IntArray(0)
    private var best = -1
    private var grown = 1f // share of their length that the bars are drawn with
    private var nameWidth = 0f

    private val text = Paint(Paint.ANTI_ALIAS_FLAG).apply { textSize = context.sp(15f) }
    private val bar = Paint(Paint.ANTI_ALIAS_FLAG)
    private val track = Paint(Paint.ANTI_ALIAS_FLAG).apply { color = context.getColor(R.color.track) }
    private val textColour = context.getColor(R.color.text)
    private val quietColour = context.getColor(R.color.text_secondary)
    private val gap = context.dp(12f)
    private val thickness = context.dp(8f)
    private val rowHeight = text.descent() - text.ascent() + context.dp(7f)
    private val numberWidth = text.measureText(percent(context, 100))
    private val growth = ValueAnimator.ofFloat(0f, 1f).apply {
        duration = GROWTH_MILLIS
        interpolator = DecelerateInterpolator()
        addUpdateListener {
            grown = it.animatedValue as Float
            invalidate()
        }
    }

    /** Shows the bars of a picture, which grow to their length. */
    fun grow(labels: List<String>, probabilities: FloatArray) {
        show(labels, probabilities)
        growth.start()
    }

    /** @param probabilities one for each label; empty where no face is seen. */
    fun show(labels: List<String>, probabilities: FloatArray) {
        if (labels != this.labels) {
            this.labels = labels
            names = labels.map { expressionName(context, it) }
            colours = IntArray(labels.size) { expressionColour(context, labels[it]) }
            nameWidth = names.maxOfOrNull(text::measureText) ?: 0f
            requestLayout()
        }
        this.probabilities = probabilities
        percents = wholePercents(probabilities)
        val newBest = probabilities.indices.maxByOrNull { probabilities[it] } ?: -1
        if (newBest != best) {
            best = newBest
            contentDescription = names.getOrNull(best)
        }
        invalidate()
    }

    override fun onInitializeAccessibilityNodeInfo(info: AccessibilityNodeInfo) {
        super.onInitializeAccessibilityNodeInfo(info)
        if (probabilities.size != names.size) return
        val rows = names.indices.sortedByDescending { probabilities[it] }
        info.contentDescription = rows.joinToString { "${names[it]} ${percent(context, percents[it])}" }
    }

    override fun onDetachedFromWindow() {
        growth.end()
        super.onDetachedFromWindow()
    }

    override fun onMeasure(widthSpec: Int, heightSpec: Int) {
        val height = Math.ceil((rowHeight * names.size).toDouble()).toInt()
        setMeasuredDimension(getDefaultSize(0, widthSpec), resolveSize(height, heightSpec))
    }

    override fun onDraw(canvas: Canvas) {
        val rightToLeft = layoutDirection == LAYOUT_DIRECTION_RTL
        val start = nameWidth + gap
        val end = maxOf(start, width - numberWidth - gap)
        for ((i, name) in names.withIndex()) {
            val top = i * rowHeight
            val middle = top + rowHeight / 2
            val baseline = middle - (text.ascent() + text.descent()) / 2
            val probability = probabilities.getOrNull(i)
            text.isFakeBoldText = i == best
            text.color = if (i == best || probability == null) textColour else quietColour
            text.textAlign = if (rightToLeft) Paint.Align.RIGHT else Paint.Align.LEFT
            canvas.drawText(name, if (rightToLeft) width.toFloat() else 0f, baseline, text)
            drawBar(canvas, start, end, middle, track, rightToLeft)
            if (probability == null) continue
            bar.color = colours[i]
            val length = (end - start) * probability * grown
            if (length >= 1f) drawBar(canvas, start, start + maxOf(length, thickness), middle, bar, rightToLeft)
            text.textAlign = if (rightToLeft) Paint.Align.LEFT else Paint.Align.RIGHT
            val number = percent(context, percents[i])
            canvas.drawText(number, if (rightToLeft) 0f else width.toFloat(), baseline, text)
        }
    }

    /** @param from distances from the side where lines of text begin. */
    private fun drawBar(
        canvas: Canvas,
        from: Float,
        to: Float,
        middle: Float,
        paint: Paint,
        rightToLeft: Boolean,
    ) {
        val left = if (rightToLeft) width - to else from
        val right = if (rightToLeft) width - from else to
        val half = thickness / 2
        canvas.drawRoundRect(left, middle - half, right, middle + half, half, half, paint)
    }

    private companion object {
        const val GROWTH_MILLIS = 450L
    }
}
