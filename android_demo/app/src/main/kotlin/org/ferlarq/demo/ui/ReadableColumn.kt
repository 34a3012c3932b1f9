package org.ferlarq.demo.ui

import android.content.Context
import android.util.AttributeSet
import android.widget.LinearLayout

/** Text or buttons that grow no wider than is convenient, in the middle of a wide window. */
class ReadableColumn(context: Context, attributes: AttributeSet? = null) :
    LinearLayout(context, attributes) {
    private val sides = paddingLeft

    override fun onMeasure(widthSpec: Int, heightSpec: Int) {
        val spare = MeasureSpec.getSize(widthSpec) - context.dp(WIDEST_DP).toInt()
        val side = maxOf(sides, spare / 2)
        if (side != paddingLeft) setPadding(side, paddingTop, side, paddingBottom)
        super.onMeasure(widthSpec, heightSpec)
    }

    private companion object {
        const val WIDEST_DP = 640f
    }
}
