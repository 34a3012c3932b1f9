package org.ferlarq.demo.ui

import android.content.Context
import android.util.AttributeSet
import android.view.View
import android.view.ViewGroup
import android.widget.LinearLayout
import org.ferlarq.demo.R

/**
 * A window's content, and its navigation: a bar below, or a rail at the side where there is width.
 * Its children: the content, then a LinearLayout of the places.
 */
class NavigationFrame(context: Context, attributes: AttributeSet? = null) :
    ViewGroup(context, attributes) {
    private val railWidth = resources.getDimensionPixelSize(R.dimen.rail)
    private val content: View get() = getChildAt(0)
    private val navigation get() = getChildAt(1) as LinearLayout
    private var withRail = false

    override fun onMeasure(widthSpec: Int, heightSpec: Int) {
        val width = MeasureSpec.getSize(widthSpec)
        val height = MeasureSpec.getSize(heightSpec)
        val roomWidth = maxOf(0, width - paddingLeft - paddingRight)
        val roomHeight = maxOf(0, height - paddingTop - paddingBottom)
        withRail = roomWidth >= context.dp(RAIL_FROM_DP)
        setRail(withRail)
        if (withRail) {
            navigation.measure(exactly(railWidth), exactly(roomHeight))
            content.measure(exactly(maxOf(0, roomWidth - railWidth)), exactly(roomHeight))
        } else {
            val anyHeight = MeasureSpec.makeMeasureSpec(roomHeight, MeasureSpec.AT_MOST)
            navigation.measure(exactly(roomWidth), anyHeight)
            val left = maxOf(0, roomHeight - navigation.measuredHeight)
            content.measure(exactly(roomWidth), exactly(left))
        }
        setMeasuredDimension(width, height)
    }

    private fun setRail(rail: Boolean) {
        val orientation = if (rail) LinearLayout.VERTICAL else LinearLayout.HORIZONTAL
        if (navigation.orientation == orientation) return
        navigation.orientation = orientation
        for (i in 0 until navigation.childCount) {
            val place = navigation.getChildAt(i).layoutParams as LinearLayout.LayoutParams
            place.width = if (rail) LayoutParams.MATCH_PARENT else 0
            place.weight = if (rail) 0f else 1f
        }
    }

    override fun onLayout(changed: Boolean, left: Int, top: Int, right: Int, bottom: Int) {
        val outerRight = right - left - paddingRight
        val outerBottom = bottom - top - paddingBottom
        if (!withRail) {
            val above = outerBottom - navigation.measuredHeight
            content.layout(paddingLeft, paddingTop, outerRight, above)
            navigation.layout(paddingLeft, above, outerRight, outerBottom)
        } else if (layoutDirection == LAYOUT_DIRECTION_RTL) {
            content.layout(paddingLeft, paddingTop, outerRight - railWidth, outerBottom)
            navigation.layout(outerRight - railWidth, paddingTop, outerRight, outerBottom)
        } else {
            navigation.layout(paddingLeft, paddingTop, paddingLeft + railWidth, outerBottom)
            content.layout(paddingLeft + railWidth, paddingTop, outerRight, outerBottom)
        }
    }

    private fun exactly(size: Int) = MeasureSpec.makeMeasureSpec(size, MeasureSpec.EXACTLY)

    private companion object {
        const val RAIL_FROM_DP = 600f
    }
}
