package org.ferlarq.demo.ui

import android.content.Context
import android.util.AttributeSet
import android.view.ViewGroup

/**
 * A picture, and below or beside it what is known of it, by the shape of the place that there is:
 * a window's, which need not have that of the screen.
 */
class TwoPanes(context: Context, attributes: AttributeSet? = null) : ViewGroup(context, attributes) {
    private var sideBySide = false

    override fun onMeasure(widthSpec: Int, heightSpec: Int) {
        val width = MeasureSpec.getSize(widthSpec)
        val height = MeasureSpec.getSize(heightSpec)
        sideBySide = width > height
        val first = if (sideBySide) width / 2 else (height * FIRST_SHARE).toInt()
        measureChild(0, if (sideBySide) first else width, if (sideBySide) height else first)
        measureChild(1, if (sideBySide) width - first else width, if (sideBySide) height else height - first)
        setMeasuredDimension(width, height)
    }

    private fun measureChild(index: Int, width: Int, height: Int) = getChildAt(index).measure(
        MeasureSpec.makeMeasureSpec(width, MeasureSpec.EXACTLY),
        MeasureSpec.makeMeasureSpec(height, MeasureSpec.EXACTLY),
    )

    override fun onLayout(changed: Boolean, left: Int, top: Int, right: Int, bottom: Int) {
        val (first, second) = getChildAt(0) to getChildAt(1)
        val width = right - left
        val height = bottom - top
        if (!sideBySide) {
            first.layout(0, 0, width, first.measuredHeight)
            second.layout(0, first.measuredHeight, width, height)
        } else if (layoutDirection == LAYOUT_DIRECTION_RTL) {
            first.layout(width - first.measuredWidth, 0, width, height)
            second.layout(0, 0, width - first.measuredWidth, height)
        } else {
            first.layout(0, 0, first.measuredWidth, height)
            second.layout(first.measuredWidth, 0, width, height)
        }
    }

    private companion object {
        const val FIRST_SHARE = 0.47f
    }
}
