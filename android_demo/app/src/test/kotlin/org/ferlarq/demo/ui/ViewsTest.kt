package org.ferlarq.demo.ui

import android.content.Context
import android.graphics.Bitmap
import android.graphics.Canvas
import android.graphics.RectF
import android.graphics.drawable.AdaptiveIconDrawable
import android.view.View
import android.view.View.MeasureSpec
import android.widget.LinearLayout
import kotlin.random.Random
import org.ferlarq.demo.LABELS
import org.ferlarq.demo.R
import org.ferlarq.demo.image.FaceBox
import org.ferlarq.demo.inference.Face
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNotNull
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode

@RunWith(RobolectricTestRunner::class)
@Config(sdk = [35])
@GraphicsMode(GraphicsMode.Mode.NATIVE)
class ViewsTest {
    private val context: Context = RuntimeEnvironment.getApplication()

    private fun View.lay(width: Int, height: Int) {
        measure(
            MeasureSpec.makeMeasureSpec(width, MeasureSpec.EXACTLY),
            MeasureSpec.makeMeasureSpec(height, MeasureSpec.EXACTLY),
        )
        layout(0, 0, width, height)
    }

    private fun View.drawn() = Bitmap.createBitmap(width, height, Bitmap.Config.ARGB_8888).also { draw(Canvas(it)) }

    private fun columnsOf(picture: Bitmap, colour: Int): IntRange {
        val columns = (0 until picture.width).filter { x ->
            (0 until picture.height).any { y -> picture.getPixel(x, y) == colour }
        }
        assertTrue("the colour is not there", columns.isNotEmpty())
        return columns.first()..columns.last()
    }

    @Test
    fun `per cents add up to 100, and the likeliest has the largest`() {
        val random = Random(4)
        repeat(1000) {
            val shares = FloatArray(7) { random.nextFloat() * random.nextFloat() }
            val sum = shares.sum()
            val probabilities = FloatArray(7) { shares[it] / sum }
            val whole = wholePercents(probabilities)
            assertEquals(100, whole.sum())
            for (i in whole.indices) assertEquals(100 * probabilities[i], whole[i].toFloat(), 1f)
            assertEquals(whole.max(), whole[probabilities.indices.maxBy { probabilities[it] }])
        }
        assertEquals(listOf(34, 33, 33), wholePercents(FloatArray(3) { 1f / 3 }).sortedDescending())
        assertEquals(0, wholePercents(FloatArray(0)).size)
    }

    @Test
    fun `two panes follow the window's shape, not the screen's`() {
        RuntimeEnvironment.setQualifiers("port")
        val panes = TwoPanes(context).apply { repeat(2) { addView(View(context)) } }
        panes.lay(900, 700) // a part of an unfolded phone that is held upright
        assertEquals(450, panes.getChildAt(1).left)
        panes.lay(500, 700)
        assertEquals(0, panes.getChildAt(1).left)
        assertTrue(panes.getChildAt(1).top > 300)
    }

    @Test
    fun `the places stand at the side where there is width`() {
        val frame = NavigationFrame(context).apply {
            addView(View(context))
            addView(LinearLayout(context).apply { repeat(3) { addView(View(context), LinearLayout.LayoutParams(1, 9)) } })
        }
        frame.lay(context.dp(700f).toInt(), context.dp(500f).toInt())
        assertEquals(LinearLayout.VERTICAL, (frame.getChildAt(1) as LinearLayout).orientation)
        frame.lay(context.dp(500f).toInt(), context.dp(700f).toInt())
        assertEquals(LinearLayout.HORIZONTAL, (frame.getChildAt(1) as LinearLayout).orientation)
    }

    @Test
    fun `bars begin where lines of text begin`() {
        val bars = BarsView(context)
        bars.show(LABELS, FloatArray(7) { if (it == 3) 0.4f else 0.1f })
        val happy = context.getColor(R.color.happy)
        bars.lay(600, 400)
        val fromLeft = columnsOf(bars.drawn(), happy)
        bars.layoutDirection = View.LAYOUT_DIRECTION_RTL
        val fromRight = columnsOf(bars.drawn(), happy)
        assertEquals(fromLeft.first.toFloat(), 599f - fromRight.last, 2f)
        assertEquals(fromLeft.last.toFloat(), 599f - fromRight.first, 2f)
    }

    @Test
    fun `a turned face has a turned frame`() {
        for (angle in listOf(0, 45)) {
            val picture = Bitmap.createBitmap(400, 400, Bitmap.Config.ARGB_8888)
            val face = Face(FaceBox(100, 100, 200, angle), FloatArray(7) { 1f / 7 })
            val place = RectF(0f, 0f, 400f, 400f)
            FacePainter(context).draw(Canvas(picture), listOf(face), LABELS, place, 1f, mirrored = false)
            // Half the diagonal of the frame lies to the right of its centre; its corner is rounded.
            val reachesOut = (315..345).any { x -> picture.getPixel(x, 200) != 0 }
            assertEquals("$angle", angle == 45, reachesOut)
        }
    }

    @Test
    fun `the launcher's icon takes the colours of the user's theme`() {
        val icon = context.getDrawable(R.mipmap.launcher) as AdaptiveIconDrawable
        assertNotNull(icon.monochrome)
    }
}
