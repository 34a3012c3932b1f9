package org.ferlarq.demo

import android.Manifest
import android.content.Intent
import android.graphics.Bitmap
import android.os.Looper
import android.provider.MediaStore
import android.provider.Settings
import android.view.View
import android.view.ViewGroup
import android.widget.Button
import android.widget.TextView
import java.time.Duration
import org.ferlarq.demo.camera.CameraFailure
import org.ferlarq.demo.camera.Lens
import org.ferlarq.demo.live.LiveState
import org.ferlarq.demo.photo.PhotoState
import org.ferlarq.demo.sharing.SharedFiles
import org.ferlarq.demo.ui.Problem
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNotNull
import org.junit.Assert.assertNull
import org.junit.Assert.assertSame
import org.junit.Assert.assertTrue
import org.junit.Test
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf

class InteractionsTest : AppTest() {
    @Test
    fun `with the permission the front camera runs and faces are read`() {
        start()
        assertEquals(Lens.FRONT, foundations.cameras.opened)
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
        assertNull(foundations.cameras.opened)
        answerPermission(granted = false)
        assertTrue(live is LiveState.Stopped)
        shadowOf(application).grantPermissions(Manifest.permission.CAMERA)
        goOn(R.id.live)
        answerPermission(granted = true)
        assertEquals(Lens.FRONT, foundations.cameras.opened)
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
        controller.pause().stop().restart().resume()
        idle()
        assertTrue(live is LiveState.Running)
    }

    @Test
    fun `in the background the camera is closed and the networks are freed`() {
        start()
        controller.pause().stop()
        idle()
        assertNull(foundations.cameras.opened)
        assertTrue(foundations.fakes.classifiers.all { it.closed == 1 } && foundations.fakes.detectors.all { it.closed == 1 })
        controller.restart().resume()
        idle()
        sendFrame()
        assertNotNull((live as LiveState.Running).reading)
    }

    @Test
    fun `turning the phone keeps the camera running`() {
        start()
        val opened = foundations.fakes.classifiers.size
        RuntimeEnvironment.setQualifiers("+land")
        controller.configurationChange()
        idle()
        assertEquals(opened, foundations.fakes.classifiers.size)
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
        foundations.fakes.classifiers.last().answer = FloatArray(7) { if (LABELS[it] == "fear") 3f else 0f }
        repeat(10) { sendFrame() }
        assertEquals("1 face: Happy", view.contentDescription)
        shadowOf(Looper.getMainLooper()).idleFor(Duration.ofSeconds(2))
        sendFrame()
        assertEquals("1 face: Fear", view.contentDescription)
    }

    @Test
    fun `the other camera is not mirrored`() {
        start()
        click(R.id.switch_camera)
        assertEquals(Lens.BACK, foundations.cameras.opened)
        assertEquals(false, (live as LiveState.Running).mirrored)
    }

    @Test
    fun `a phone without a camera still reads pictures`() {
        foundations.cameras.lenses = emptySet()
        start()
        assertEquals(Problem.NO_CAMERA, (live as LiveState.Stopped).problem)
        goOn(R.id.live)
        assertEquals(Tab.PHOTO, activity.model.tab.state)
    }

    @Test
    fun `a camera that another app takes can be started again`() {
        start()
        foundations.cameras.fail(CameraFailure.IN_USE)
        idle()
        assertEquals(Problem.CAMERA_IN_USE, (live as LiveState.Stopped).problem)
        goOn(R.id.live)
        assertTrue(live is LiveState.Running)
    }

    @Test
    fun `a model that cannot be run is a sentence, not a crash`() {
        foundations.fakes.modelFailure = IllegalArgumentException("no such operator")
        start()
        assertEquals(Problem.MODEL_UNUSABLE, (live as LiveState.Stopped).problem)
        foundations.fakes.cardFailure = IllegalArgumentException("damaged")
        click(R.id.tab_photo)
        choose(jpeg())
        assertEquals(Problem.MODEL_UNUSABLE, (photo as PhotoState.Failed).problem)
    }

    @Test
    fun `a chosen picture is read and shared with its frames`() {
        start()
        click(R.id.tab_photo)
        assertNull("the camera runs unseen", foundations.cameras.opened)
        choose(jpeg())
        val read = photo as PhotoState.Analyzed
        assertEquals(300 to 200, read.picture.width to read.picture.height)
        assertEquals(1, read.faces.size)
        click(R.id.share)
        val chooser = shadowOf(activity).nextStartedActivity
        @Suppress("DEPRECATION")
        val intent = chooser.getParcelableExtra<Intent>(Intent.EXTRA_INTENT)!!
        assertEquals(SharedFiles.uriOf(SharedFiles.PHOTO), intent.clipData!!.getItemAt(0).uri)
        assertTrue(SharedFiles.fileOf(application, SharedFiles.PHOTO).length() > 0)
    }

    @Test
    fun `a picture that cannot be written for others is a sentence that leads back to it`() {
        start()
        click(R.id.tab_photo)
        choose(jpeg())
        assertTrue(SharedFiles.fileOf(application, SharedFiles.PHOTO).mkdir())
        click(R.id.share)
        assertEquals(Problem.NOT_SHARED, (photo as PhotoState.Failed).problem)
        goOn(R.id.photo)
        assertTrue(photo is PhotoState.Analyzed)
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
        assertEquals(2048, (photo as PhotoState.Analyzed).picture.width)
    }

    @Test
    fun `a file that is no picture, or half of one, is a sentence`() {
        start()
        for (content in listOf(ByteArray(0), "no picture".toByteArray(), jpeg().copyOf(40))) {
            choose(content)
            assertEquals(Problem.PICTURE_UNREADABLE, (photo as PhotoState.Failed).problem)
        }
        val second = activity.findViewById<View>(R.id.photo).findViewById<View>(R.id.problem_action)
        assertEquals("Choose stands there already", View.GONE, second.visibility)
    }

    @Test
    fun `a picture without a face says so`() {
        foundations.fakes.faces = emptyList()
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
        SharedFiles.fileOf(application, SharedFiles.TAKEN).writeBytes(jpeg())
        val uri = SharedFiles.uriOf(SharedFiles.TAKEN)
        shadowOf(application.contentResolver).registerInputStreamSupplier(uri) {
            SharedFiles.fileOf(application, SharedFiles.TAKEN).inputStream()
        }
        shadowOf(activity).receiveResult(request.intent, android.app.Activity.RESULT_OK, null)
        idle()
        assertTrue(photo is PhotoState.Analyzed)
    }

    @Test
    fun `the benchmark shows a line for each number of threads`() {
        start()
        click(R.id.tab_model)
        click(R.id.measure)
        assertEquals(listOf(1, 2, 4), activity.model.model.state.state.timings.map { it.threads })
        assertEquals(3, activity.findViewById<TextView>(R.id.timings).text.lines().size)
    }
}
