package org.ferlarq.demo.ui

import android.content.Context
import android.graphics.Canvas
import android.graphics.Path
import android.util.AttributeSet
import android.widget.FrameLayout
import org.ferlarq.demo.R

/** A frame with round corners that keeps the shape of an image and is as large as its place allows. */
class RoundedFrame(context: Context, attributes: AttributeSet? = null) :
    FrameLayout(context, attributes) {
    private var shapeWidth = 3
    private var shapeHeight = 4

    private val outline = Path()
    private val corner = resources.getDimension(R.dimen.corner)

    override fun onSizeChanged(width: Int, height: Int, oldWidth: Int, oldHeight: Int) {
        outline.rewind()
        outline.addRoundRect(0f, 0f, width.toFloat(), height.toFloat(), corner, corner, Path.Direction.CW)
    }

    override fun draw(canvas: Canvas) {
        canvas.clipPath(outline)
        super.draw(canvas)
    }

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
