package org.ferlarq.demo

import android.graphics.Bitmap
import android.graphics.Canvas
import android.graphics.RectF
import android.os.Looper
import android.view.View
import android.view.ViewGroup
import android.widget.Button
import android.widget.FrameLayout
import android.widget.ImageButton
import android.widget.ImageView
import android.widget.TextView
import java.io.File
import org.ferlarq.demo.image.FaceBox
import org.ferlarq.demo.inference.FaceBoxes.Companion.MAX_FACES
import org.ferlarq.demo.live.FaceReading
import org.ferlarq.demo.live.LiveReading
import org.ferlarq.demo.model.Timing
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode

/**
 * Draws every screen and every failure to build/screens, and checks what can be checked of it. What
 * a camera would show is drawn as well.
 */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [35])
@GraphicsMode(GraphicsMode.Mode.NATIVE)
class ScreensTest {
    @Test
    fun `English, light`() = drawAll("en-rUS", "notnight")

    @Test
    fun `English, dark`() = drawAll("en-rUS", "night")

    @Test
    fun `Chinese, light`() = drawAll("zh-rCN", "notnight")

    @Test
    fun `Chinese, dark`() = drawAll("zh-rCN", "night")

    @Test
    fun `large letters`() = drawAll("en-rUS", "notnight", fontScale = 1.6f)

    @Test
    fun `on its side`() = drawAll("en-rUS", "notnight", size = "w720dp-h360dp-land")

    private fun drawAll(
        language: String,
        theme: String,
        fontScale: Float = 1f,
        size: String = "w360dp-h720dp-port",
    ) {
        RuntimeEnvironment.setQualifiers("$language-$size-$theme-xhdpi")
        RuntimeEnvironment.setFontScale(fontScale)
        val application = RuntimeEnvironment.getApplication() as Demo
        application.foundations = FakeFoundations()
        val extra = (if (fontScale == 1f) "" else "-large") + if ("land" in size) "-land" else ""
        val folder = File(buildFolder, "screens/${language.take(2)}-$theme$extra")
        folder.mkdirs()
        Robolectric.buildActivity(MainActivity::class.java).use { controller ->
            val activity = controller.setup().get()
            val seen = showDrawnFaces(activity)
            for ((name, state) in states(activity.store.state, land = "land" in size)) {
                seen.setImageBitmap(cameraPicture(state.live))
                activity.store.update { state }
                activity.findViewById<View>(R.id.model).scrollTo(0, if ("measured" in name) 9999 else 0)
                shadowOf(Looper.getMainLooper()).idle()
                val picture = draw(activity)
                File(folder, "$name.png").outputStream().use {
                    assertTrue(picture.compress(Bitmap.CompressFormat.PNG, 100, it))
                }
                check(name, activity.window.decorView)
            }
        }
    }

    /** Puts a view behind the preview's frames, since Robolectric's preview is always black. */
    private fun showDrawnFaces(activity: MainActivity): ImageView {
        val view = ImageView(activity)
        view.scaleType = ImageView.ScaleType.FIT_XY
        view.scaleX = -1f // as a front camera's preview
        activity.findViewById<FrameLayout>(R.id.preview_frame).addView(view, 1)
        return view
    }

    private fun cameraPicture(state: LiveState): Bitmap? {
        val reading = (state as? LiveState.Running)?.reading ?: return null
        return drawnPicture(reading.width, reading.height, reading.faces)
    }

    private fun states(start: ScreenState, land: Boolean): Map<String, ScreenState> {
        val (width, height) = if (land) 640 to 480 else 480 to 640
        val faces = listOf(
            FaceReading(FaceBox(120, 170, 230), shares(3, 0.72f)),
            FaceReading(FaceBox(20, 60, 90), shares(5, 0.5f)),
        )
        val crowd = List(MAX_FACES) { FaceReading(FaceBox(18 + 55 * it, 200 + 9 * it, 62), shares(it % 7, 0.6f)) }
        val running = LiveState.Running(mirrored = true, canSwitch = true, LABELS, threads = 2)
        val seen = running.copy(reading = LiveReading(width, height, faces, 24f, 6.2f, 9.8f))
        val nobody = running.copy(reading = LiveReading(width, height, emptyList(), 27f, 6.1f, 0f))
        val photo = start.copy(tab = Tab.PHOTO)
        val model = start.copy(tab = Tab.MODEL)
        val timings = listOf(Timing(1, 8.4f, 8.3f, 8.9f), Timing(2, 4.6f, 4.5f, 5f), Timing(4, 3.1f, 2.9f, 4f))
        val states = mutableMapOf(
            "live-starting" to start.copy(live = LiveState.Starting),
            "live" to start.copy(live = seen),
            "live-nobody" to start.copy(live = nobody),
            "photo-empty" to photo.copy(photo = PhotoState.Empty),
            "photo-working" to photo.copy(photo = PhotoState.Working),
            "photo" to photo.copy(photo = PhotoState.Read(drawnPicture(480, 640, faces), faces, LABELS)),
            "photo-crowd" to
                photo.copy(photo = PhotoState.Read(drawnPicture(480, 480, crowd), crowd, LABELS)),
            "model" to model,
            "model-measured" to model.copy(model = model.model.copy(timings = timings)),
            "model-unusable" to model.copy(model = ModelState(problem = Problem.MODEL_UNUSABLE)),
        )
        for (problem in Problem.entries) {
            val name = problem.name.lowercase().replace('_', '-')
            states += if (problem.wayOn in setOf(WayOn.CHOOSE_PICTURE, WayOn.SHOW_PICTURE)) {
                "photo-$name" to photo.copy(photo = PhotoState.Failed(problem))
            } else {
                "live-$name" to start.copy(live = LiveState.Stopped(problem))
            }
        }
        return states
    }

    private fun shares(best: Int, share: Float) =
        FloatArray(LABELS.size) { if (it == best) share else (1 - share) / (LABELS.size - 1) }

    private fun draw(activity: MainActivity): Bitmap {
        val view = activity.window.decorView
        val picture = Bitmap.createBitmap(view.width, view.height, Bitmap.Config.ARGB_8888)
        view.draw(Canvas(picture))
        return picture
    }

    private fun check(name: String, root: View) {
        val shown = visibleViews(root)
        val smallest = 48 * root.resources.displayMetrics.density
        for (button in shown.filterIsInstance<Button>()) {
            assertTrue("$name: ${button.text} is too small to touch", button.height >= smallest)
            assertTrue("$name: a button without a word", button.text.isNotBlank())
        }
        for (button in shown.filterIsInstance<ImageButton>()) {
            assertTrue("$name: a picture is too small to touch", button.height >= smallest)
            assertTrue("$name: a picture without a word", !button.contentDescription.isNullOrBlank())
        }
        for (text in shown.filterIsInstance<TextView>().filter { it.text.isNotEmpty() }) {
            val layout = text.layout
            val room = text.height - text.compoundPaddingTop - text.compoundPaddingBottom
            assertTrue("$name: '${text.text}' is cut off", layout.height <= room)
            for (line in 0 until layout.lineCount) {
                assertEquals("$name: '${text.text}' is shortened", 0, layout.getEllipsisCount(line))
            }
        }
        val said = shown.filter { it !is Button }.mapNotNull { (it as? TextView)?.text ?: it.contentDescription }
        assertTrue("$name: nothing is said", said.any { it.isNotBlank() })
    }

    @Test
    fun `labels of neighbouring faces stand apart, inside the image`() {
        val image = RectF(10f, 20f, 490f, 660f)
        val places = LabelPlaces(MAX_FACES)
        for (step in listOf(0f, 30f, 60f, 80f)) { // faces on one another, beside one another, apart
            places.clear(image)
            repeat(MAX_FACES) { places.add(10f + step * it % 420, 300f + step / 2 * it, 60f, 90f, 24f) }
            val apart = places.arrange()
            assertEquals("$step", step > 0f, apart) // around one face there are less than eight places
            for (i in 0 until MAX_FACES) {
                assertTrue("$step: label $i", image.contains(places.label(i)))
                if (!apart) continue
                for (j in 0 until i) {
                    assertFalse("$step: labels $i and $j", RectF.intersects(places.label(i), places.label(j)))
                }
            }
        }
    }

    private fun visibleViews(view: View): List<View> = when {
        view.visibility != View.VISIBLE -> emptyList()
        view is ViewGroup -> listOf(view) + (0 until view.childCount).flatMap { visibleViews(view.getChildAt(it)) }
        else -> listOf(view)
    }
}
