package org.ferlarq.demo

import android.content.Context
import android.util.AttributeSet
import android.widget.FrameLayout

/** A frame that keeps the shape of an image and is as large as its place allows. */
class ShapedFrame(context: Context, attributes: AttributeSet? = null) :
    FrameLayout(context, attributes) {
    private var shapeWidth = 3
    private var shapeHeight = 4

    fun setShape(width: Int, height: Int) {
        if (width == shapeWidth && height == shapeHeight) return
        shapeWidth = width
        shapeHeight = height
        requestLayout()
    }

    override fun onMeasure(widthSpec: Int, heightSpec: Int) {
        val roomWidth = MeasureSpec.getSize(widthSpec)
        val roomHeight = MeasureSpec.getSize(heightSpec)
        val scale = minOf(roomWidth.toFloat() / shapeWidth, roomHeight.toFloat() / shapeHeight)
        super.onMeasure(exactly(shapeWidth * scale), exactly(shapeHeight * scale))
    }

    private fun exactly(size: Float) =
        MeasureSpec.makeMeasureSpec(size.toInt(), MeasureSpec.EXACTLY)
}
