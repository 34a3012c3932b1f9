package org.ferlarq.demo

import android.Manifest
import android.graphics.Bitmap
import android.graphics.BitmapFactory
import android.graphics.Canvas
import android.os.Looper
import android.view.View
import android.view.ViewGroup
import android.widget.FrameLayout
import android.widget.ImageView
import android.widget.TextView
import com.google.android.apps.common.testing.accessibility.framework.AccessibilityCheckPreset
import com.google.android.apps.common.testing.accessibility.framework.AccessibilityCheckResult.AccessibilityCheckResultType
import com.google.android.apps.common.testing.accessibility.framework.AccessibilityViewHierarchyCheck
import java.io.File
import org.ferlarq.demo.camera.Frame
import org.ferlarq.demo.image.FaceBox
import org.ferlarq.demo.image.LumaImage
import org.ferlarq.demo.inference.BlazeFace
import org.ferlarq.demo.inference.Face
import org.ferlarq.demo.inference.FaceAnalyzer
import org.ferlarq.demo.inference.FaceBoxes.Companion.MAX_FACES
import org.ferlarq.demo.inference.FaceSearch
import org.ferlarq.demo.inference.ModelCard
import org.ferlarq.demo.inference.TfliteClassifier
import org.ferlarq.demo.live.FramePipeline
import org.ferlarq.demo.live.LiveReading
import org.ferlarq.demo.live.LiveState
import org.ferlarq.demo.model.ModelState
import org.ferlarq.demo.model.Timing
import org.ferlarq.demo.model.measure
import org.ferlarq.demo.photo.PhotoState
import org.ferlarq.demo.photo.toLuma
import org.ferlarq.demo.ui.Problem
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Assume.assumeTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode

/**
 * Draws every screen and every failure to build/screens, and checks what can be checked of it. The
 * faces of the photograph are found and classified by the real networks, and timed, on this machine.
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
    fun `Simplified Chinese, light`() = drawAll("zh-rCN", "notnight")

    @Test
    fun `Simplified Chinese, dark`() = drawAll("zh-rCN", "night")

    @Test
    fun `Traditional Chinese, light`() = drawAll("zh-rTW", "notnight")

    @Test
    fun `large letters`() = drawAll("en-rUS", "notnight", fontScale = 1.6f)

    @Test
    fun `from right to left`() = drawAll("ar", "notnight", size = "ldrtl-w360dp-h720dp-port")

    @Test
    fun `on its side`() = drawAll("en-rUS", "notnight", size = "w720dp-h360dp-land")

    @Test
    fun `a tablet, light`() = drawAll("en-rUS", "notnight", size = "sw800dp-w1280dp-h800dp-land")

    @Test
    fun `a tablet, upright and dark`() = drawAll("zh-rCN", "night", size = "sw800dp-w800dp-h1280dp-port")

    private fun drawAll(
        language: String,
        theme: String,
        fontScale: Float = 1f,
        size: String = "w360dp-h720dp-port",
    ) {
        val parts = language.split("-", limit = 2)
        RuntimeEnvironment.setQualifiers("${parts.joinToString("-")}-$size-$theme-xhdpi")
        RuntimeEnvironment.setFontScale(fontScale)
        val application = RuntimeEnvironment.getApplication() as Demo
        application.foundations = FakeFoundations()
        shadowOf(application).grantPermissions(Manifest.permission.CAMERA)
        val extra = listOfNotNull(
            "large".takeIf { fontScale > 1f },
            "tablet".takeIf { "sw800" in size },
            "land".takeIf { "land" in size },
        ).joinToString("") { "-$it" }
        val folder = File(buildFolder, "screens/${language.replace("-r", "")}-$theme$extra")
        folder.mkdirs()
        Robolectric.buildActivity(MainActivity::class.java).use { controller ->
            val activity = controller.setup().get()
            val seen = showPhotograph(activity)
            for ((name, show) in states(activity.model)) {
                show()
                seen.visibility = if ((activity.model.live.state.state as? LiveState.Running)?.reading == null) View.GONE else View.VISIBLE
                activity.findViewById<View>(R.id.model).scrollTo(0, if ("measured" in name) SPEED_DP * 2 else 0)
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
    private fun showPhotograph(activity: MainActivity): ImageView {
        val view = ImageView(activity)
        view.scaleType = ImageView.ScaleType.FIT_XY
        view.scaleX = -1f // as a front camera's preview
        view.setImageBitmap(PHOTOGRAPH)
        activity.findViewById<FrameLayout>(R.id.preview_frame).addView(view, 1)
        return view
    }

    private fun states(model: WindowModel): Map<String, () -> Unit> {
        fun on(tab: Tab, show: () -> Unit) = { model.tab.set(tab); show() }
        fun live(state: LiveState) = on(Tab.LIVE) { model.live.state.set(state) }
        fun photo(state: PhotoState) = on(Tab.PHOTO) { model.photo.state.set(state) }
        fun model(state: ModelState) = on(Tab.MODEL) { model.model.state.set(state) }
        val analyzed = analyzed
        val running = LiveState.Running(mirrored = true, canSwitch = true, LABELS)
        val reading = analyzed.readings.last()
        val nobody = LiveReading(480, 640, emptyList(), reading.framesPerSecond, reading.detectionMillis, 0f)
        fillHistory(model, analyzed.readings)
        val crowd = List(MAX_FACES) {
            val probabilities = FloatArray(7) { label -> if (label == it % 7) 0.6f else 0.4f / 6 }
            Face(FaceBox(10 + 55 * it, 200 + 9 * it, 62), probabilities)
        }
        val known = model.model.state.state
        val states = linkedMapOf(
            "live-starting" to live(LiveState.Starting),
            "live" to live(running.copy(reading = reading)),
            "live-nobody" to live(running.copy(reading = nobody)),
            "photo-empty" to photo(PhotoState.Empty),
            "photo-working" to photo(PhotoState.Working),
            "photo" to photo(PhotoState.Analyzed(PHOTOGRAPH, analyzed.faces, LABELS)),
            "photo-crowd" to photo(PhotoState.Analyzed(PHOTOGRAPH, crowd, LABELS)),
            "model" to model(known),
            "model-measuring" to model(known.copy(progress = 0.4f)),
            "model-measured" to model(known.copy(timings = analyzed.timings)),
            "model-unusable" to model(ModelState(problem = Problem.MODEL_UNUSABLE)),
        )
        for (problem in Problem.entries) {
            val name = problem.name.lowercase().replace('_', '-')
            val ofPhoto = problem >= Problem.TAKING_DENIED
            states[if (ofPhoto) "photo-$name" else "live-$name"] =
                if (ofPhoto) photo(PhotoState.Failed(problem)) else live(LiveState.Stopped(problem))
        }
        return states
    }

    private fun fillHistory(model: WindowModel, readings: List<LiveReading>) {
        val history = checkNotNull(model.live.history)
        history.clear()
        for ((i, reading) in readings.withIndex()) {
            history.add(1000L + i * 30_000 / readings.size, reading.faces.firstOrNull()?.probabilities)
        }
    }

    private fun draw(activity: MainActivity): Bitmap {
        val view = activity.window.decorView
        val picture = Bitmap.createBitmap(view.width, view.height, Bitmap.Config.ARGB_8888)
        view.draw(Canvas(picture))
        return picture
    }

    private fun check(name: String, root: View) {
        for (check in AccessibilityCheckPreset.getViewChecksForPreset(AccessibilityCheckPreset.LATEST)) {
            val problems = (check as AccessibilityViewHierarchyCheck).runCheckOnViewHierarchy(root)
                .filter { it.type == AccessibilityCheckResultType.ERROR || it.type == AccessibilityCheckResultType.WARNING }
                .filter { it.view?.isShown != false && !isOfHiddenTwin(it.message) }
                .map { "${check.javaClass.simpleName}: ${it.message} (${nameOf(it.view)})" }
            assertTrue("$name: $problems", problems.isEmpty())
        }
        val shown = visibleViews(root)
        for (text in shown.filterIsInstance<TextView>().filter { it.text.isNotEmpty() }) {
            val layout = text.layout
            val room = text.height - text.compoundPaddingTop - text.compoundPaddingBottom
            assertTrue("$name: '${text.text}' is cut off", layout.height <= room)
            for (line in 0 until layout.lineCount) {
                assertEquals("$name: '${text.text}' is shortened", 0, layout.getEllipsisCount(line))
            }
        }
    }

    /** The duplicate check counts buttons of screens that are not shown, too. */
    private fun isOfHiddenTwin(message: CharSequence) = "is identical to that of" in message

    private fun nameOf(view: View?) = if (view == null || view.id == View.NO_ID) {
        "$view"
    } else {
        view.resources.getResourceEntryName(view.id)
    }

    private fun visibleViews(view: View): List<View> = when {
        view.visibility != View.VISIBLE -> emptyList()
        view is ViewGroup -> listOf(view) + (0 until view.childCount).flatMap { visibleViews(view.getChildAt(it)) }
        else -> listOf(view)
    }

    /** What the real networks say of the photograph, and of a camera that moves over it. */
    private class Analyzed(val faces: List<Face>, val readings: List<LiveReading>, val timings: List<Timing>)

    private companion object {
        const val SPEED_DP = 330

        val PHOTOGRAPH: Bitmap by lazy {
            val file = File(buildFolder, "golden/picture.png")
            assumeTrue("scikit-image is not here, so there is no photograph", file.isFile)
            BitmapFactory.decodeFile(file.path)
        }

        val analyzed: Analyzed by lazy {
            val model = asset("expressions.tflite")
            val card = ModelCard.of(model)
            val image = toLuma(PHOTOGRAPH)
            val timings = listOf(1, 2, 4).mapNotNull { threads ->
                TfliteClassifier(model, card, threads).use { measure(it, threads, System::nanoTime) { true } }
            }
            val search = FaceSearch(BlazeFace(asset("faces.tflite"), 1), System::nanoTime)
            FaceAnalyzer(search, TfliteClassifier(model, card, 1), card).use { analyzer ->
                val faces = analyzer.analyze(image)
                val readings = mutableListOf<LiveReading>()
                val pipeline = FramePipeline(analyzer, Runnable::run, System::nanoTime, readings::add) { throw it }
                repeat(FRAMES) { pipeline.offer(Frame { frame -> film(image, it, frame) }) }
                Analyzed(faces, readings, timings)
            }
        }

        const val FRAMES = 60

        /** A frame of a camera that comes closer, darkens and lightens again; the last is the picture. */
        fun film(image: LumaImage, index: Int, frame: LumaImage) {
            frame.reshape(image.width, image.height, image.width, rotation = 0)
            val away = (FRAMES - 1 - index) / (FRAMES - 1f)
            val zoom = 1f + 0.5f * away * Math.abs(Math.sin(9.0 * away)).toFloat()
            val light = 1f - 0.5f * away * Math.abs(Math.sin(5.0 * away)).toFloat()
            for (y in 0 until image.height) {
                val fromY = (FACE_Y + (y - FACE_Y) / zoom).toInt().coerceIn(0, image.height - 1)
                for (x in 0 until image.width) {
                    val fromX = (FACE_X + (x - FACE_X) / zoom).toInt().coerceIn(0, image.width - 1)
                    val grey = image.pixels[fromY * image.width + fromX].toInt() and 0xff
                    frame.pixels[y * image.width + x] = (grey * light).toInt().toByte()
                }
            }
        }

        const val FACE_X = 240
        const val FACE_Y = 145
    }
}
