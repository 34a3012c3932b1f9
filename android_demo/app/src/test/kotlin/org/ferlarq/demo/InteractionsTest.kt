package org.ferlarq.demo

import android.Manifest
import android.content.Intent
import android.graphics.Bitmap
import android.net.Uri
import android.os.Looper
import android.provider.MediaStore
import android.provider.Settings
import android.view.View
import android.view.ViewGroup
import android.widget.Button
import android.widget.TextView
import java.io.ByteArrayInputStream
import java.io.ByteArrayOutputStream
import java.time.Duration
import org.ferlarq.demo.live.CameraFailure
import org.ferlarq.demo.live.Lens
import org.ferlarq.demo.photo.PictureProvider
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNotNull
import org.junit.Assert.assertNotSame
import org.junit.Assert.assertNull
import org.junit.Assert.assertSame
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.android.controller.ActivityController
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode

@RunWith(RobolectricTestRunner::class)
@Config(sdk = [35])
@GraphicsMode(GraphicsMode.Mode.NATIVE)
class InteractionsTest {
    private val application = RuntimeEnvironment.getApplication() as Demo
    private val foundations = FakeFoundations().also { application.foundations = it }
    private lateinit var controller: ActivityController<MainActivity>
    private lateinit var activity: MainActivity

    private val live get() = activity.store.state.live
    private val photo get() = activity.store.state.photo

    private fun start(permission: Boolean = true) {
        if (permission) shadowOf(application).grantPermissions(Manifest.permission.CAMERA)
        controller = Robolectric.buildActivity(MainActivity::class.java).setup()
        activity = controller.get()
        idle()
    }

    private fun idle() = shadowOf(Looper.getMainLooper()).idle()

    private fun click(id: Int) {
        activity.findViewById<Button>(id).performClick()
        idle()
    }

    private fun sendFrame() {
        foundations.camera.send()
        idle()
    }

    private fun answerPermission(granted: Boolean) {
        val result = if (granted) 0 else -1
        activity.onRequestPermissionsResult(1, arrayOf(Manifest.permission.CAMERA), intArrayOf(result))
        idle()
    }

    /** The visible button below a failure's sentence. */
    private fun goOn(screen: Int) {
        activity.findViewById<View>(screen).findViewById<Button>(R.id.problem_action).performClick()
        idle()
    }

    private fun choose(content: ByteArray) {
        val uri = Uri.parse("content://elsewhere/picture")
        shadowOf(application.contentResolver).registerInputStreamSupplier(uri) { ByteArrayInputStream(content) }
        click(R.id.choose)
        val request = shadowOf(activity).nextStartedActivityForResult
        assertEquals(Intent.ACTION_GET_CONTENT, request.intent.action)
        shadowOf(activity).receiveResult(request.intent, android.app.Activity.RESULT_OK, Intent().setData(uri))
        idle()
    }

    private fun jpeg(width: Int = 300, height: Int = 200) = ByteArrayOutputStream().also {
        Bitmap.createBitmap(width, height, Bitmap.Config.ARGB_8888).compress(Bitmap.CompressFormat.JPEG, 90, it)
    }.toByteArray()

    @Test
    fun `with the permission the front camera runs and faces are read`() {
        start()
        assertEquals(Lens.FRONT, foundations.camera.opened)
        sendFrame()
        val running = live as LiveState.Running
        assertTrue(running.mirrored)
        assertEquals("happy", running.labels[running.reading!!.faces.single().best])
        val described = activity.findViewById<View>(R.id.live_faces).contentDescription
        assertEquals("1 face: Happy", described)
    }

    @Test
    fun `a permission that is denied and then granted starts the camera`() {
        start(permission = false)
        assertNull(foundations.camera.opened)
        answerPermission(granted = false)
        assertTrue(live is LiveState.Stopped)
        shadowOf(application).grantPermissions(Manifest.permission.CAMERA)
        goOn(R.id.live)
        answerPermission(granted = true)
        assertEquals(Lens.FRONT, foundations.camera.opened)
        assertTrue(live is LiveState.Running)
    }

    @Test
    fun `a permission that is denied for good leads to the settings`() {
        start(permission = false)
        answerPermission(granted = false)
        assertEquals(Problem.CAMERA_DENIED_FOR_GOOD, (live as LiveState.Stopped).problem)
        goOn(R.id.live)
        var intent = shadowOf(activity).nextStartedActivity
        while (intent.action != Settings.ACTION_APPLICATION_DETAILS_SETTINGS) {
            intent = shadowOf(activity).nextStartedActivity // behind the question for the permission
        }
        assertEquals("package:org.ferlarq.demo", intent.dataString)
        shadowOf(application).grantPermissions(Manifest.permission.CAMERA)
        controller.pause().resume()
        idle()
        assertTrue(live is LiveState.Running)
    }

    @Test
    fun `in the background the camera is closed and the networks are freed`() {
        start()
        controller.pause()
        idle()
        assertNull(foundations.camera.opened)
        assertTrue(foundations.classifiers.all { it.closed == 1 } && foundations.detectors.all { it.closed == 1 })
        controller.resume()
        idle()
        sendFrame()
        assertNotNull((live as LiveState.Running).reading)
    }

    @Test
    fun `turning the phone keeps the camera running`() {
        start()
        val opened = foundations.classifiers.size
        RuntimeEnvironment.setQualifiers("+land")
        controller.configurationChange()
        idle()
        assertEquals(opened, foundations.classifiers.size)
        sendFrame()
        assertNotNull((live as LiveState.Running).reading)
    }

    @Test
    fun `a question for the permission that is interrupted can be asked again`() {
        start(permission = false)
        activity.onRequestPermissionsResult(1, emptyArray(), IntArray(0))
        assertEquals(Problem.CAMERA_DENIED, (live as LiveState.Stopped).problem)
    }

    @Test
    fun `a screen reader is told of another expression, but not with every frame`() {
        start()
        val view = activity.findViewById<View>(R.id.live_faces)
        sendFrame()
        assertEquals("1 face: Happy", view.contentDescription)
        foundations.classifiers.last().answer = FloatArray(7) { if (LABELS[it] == "fear") 3f else 0f }
        repeat(10) { sendFrame() }
        assertEquals("1 face: Happy", view.contentDescription)
        shadowOf(Looper.getMainLooper()).idleFor(Duration.ofSeconds(2))
        sendFrame()
        assertEquals("1 face: Fear", view.contentDescription)
    }

    @Test
    fun `the other camera is not mirrored`() {
        start()
        activity.findViewById<View>(R.id.switch_camera).performClick()
        idle()
        assertEquals(Lens.BACK, foundations.camera.opened)
        assertEquals(false, (live as LiveState.Running).mirrored)
    }

    @Test
    fun `a phone without a camera still reads pictures`() {
        foundations.camera.lenses = emptySet()
        start()
        assertEquals(Problem.NO_CAMERA, (live as LiveState.Stopped).problem)
        goOn(R.id.live)
        assertEquals(Tab.PHOTO, activity.store.state.tab)
    }

    @Test
    fun `a camera that another app takes can be started again`() {
        start()
        foundations.camera.listener!!.failed(CameraFailure.IN_USE)
        idle()
        assertEquals(Problem.CAMERA_IN_USE, (live as LiveState.Stopped).problem)
        goOn(R.id.live)
        assertTrue(live is LiveState.Running)
    }

    @Test
    fun `a model that cannot be run is a sentence, not a crash`() {
        foundations.modelFailure = IllegalArgumentException("no such operator")
        start()
        assertEquals(Problem.MODEL_UNUSABLE, (live as LiveState.Stopped).problem)
        foundations.cardFailure = IllegalArgumentException("damaged")
        click(R.id.tab_photo)
        choose(jpeg())
        assertEquals(Problem.MODEL_UNUSABLE, (photo as PhotoState.Failed).problem)
    }

    @Test
    fun `a chosen picture is read and shared with its frames`() {
        start()
        click(R.id.tab_photo)
        assertNull("the camera runs unseen", foundations.camera.opened)
        choose(jpeg())
        val read = photo as PhotoState.Read
        assertEquals(300 to 200, read.picture.width to read.picture.height)
        assertEquals(1, read.faces.size)
        click(R.id.share)
        val chooser = shadowOf(activity).nextStartedActivity
        @Suppress("DEPRECATION")
        val intent = chooser.getParcelableExtra<Intent>(Intent.EXTRA_INTENT)!!
        assertEquals(PictureProvider.uriOf(PictureProvider.SHARED), intent.clipData!!.getItemAt(0).uri)
        assertTrue(PictureProvider.pictureFile(application, PictureProvider.SHARED).length() > 0)
    }

    @Test
    fun `a picture that cannot be written for others is a sentence that leads back to it`() {
        start()
        click(R.id.tab_photo)
        choose(jpeg())
        assertTrue(PictureProvider.pictureFile(application, PictureProvider.SHARED).mkdir())
        click(R.id.share)
        assertEquals(Problem.NOT_SHARED, (photo as PhotoState.Failed).problem)
        goOn(R.id.photo)
        assertTrue(photo is PhotoState.Read)
    }

    @Test
    fun `a window that is made anew shows the same picture`() {
        start()
        click(R.id.tab_photo)
        choose(jpeg())
        controller.recreate()
        val before = activity
        activity = controller.get()
        idle()
        assertNotSame(before, activity)
        assertEquals(Tab.PHOTO, activity.store.state.tab)
        assertEquals(300 to 200, (photo as PhotoState.Read).picture.let { it.width to it.height })
    }

    @Test
    fun `frames do not draw the screens that are not seen`() {
        start()
        choose(jpeg())
        val bars = activity.findViewById<ViewGroup>(R.id.photo_bars)
        val drawn = bars.getChildAt(0)
        sendFrame()
        assertSame(drawn, bars.getChildAt(0))
    }

    @Test
    fun `a large picture is scaled down while it is read`() {
        start()
        choose(jpeg(5000, 1000))
        assertEquals(1250, (photo as PhotoState.Read).picture.width)
    }

    @Test
    fun `a file that is no picture, or half of one, is a sentence`() {
        start()
        for (content in listOf(ByteArray(0), "no picture".toByteArray(), jpeg().copyOf(40))) {
            choose(content)
            assertEquals(Problem.PICTURE_UNREADABLE, (photo as PhotoState.Failed).problem)
        }
    }

    @Test
    fun `a picture without a face says so`() {
        foundations.faces = emptyList()
        start()
        choose(jpeg())
        assertEquals(Problem.NO_FACE, (photo as PhotoState.Failed).problem)
    }

    @Test
    fun `taking a picture asks a camera app to write it where only we read it`() {
        start()
        click(R.id.take)
        val request = shadowOf(activity).nextStartedActivityForResult
        assertEquals(MediaStore.ACTION_IMAGE_CAPTURE, request.intent.action)
        PictureProvider.pictureFile(application, PictureProvider.TAKEN).writeBytes(jpeg())
        val uri = PictureProvider.uriOf(PictureProvider.TAKEN)
        shadowOf(application.contentResolver).registerInputStreamSupplier(uri) {
            PictureProvider.pictureFile(application, PictureProvider.TAKEN).inputStream()
        }
        shadowOf(activity).receiveResult(request.intent, android.app.Activity.RESULT_OK, null)
        idle()
        assertTrue(photo is PhotoState.Read)
    }

    @Test
    fun `the benchmark shows a line for each number of threads`() {
        start()
        click(R.id.tab_model)
        click(R.id.measure)
        assertEquals(listOf(1, 2, 4), activity.store.state.model.timings.map { it.threads })
        assertEquals(3, activity.findViewById<TextView>(R.id.timings).text.lines().size)
    }
}
