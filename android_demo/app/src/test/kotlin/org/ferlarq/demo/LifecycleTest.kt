package org.ferlarq.demo

import android.Manifest
import android.content.Intent
import android.os.Bundle
import android.provider.MediaStore
import android.view.View
import android.widget.Button
import java.util.Collections
import java.util.concurrent.CountDownLatch
import java.util.concurrent.TimeUnit
import org.ferlarq.demo.camera.CameraFailure
import org.ferlarq.demo.camera.Lens
import org.ferlarq.demo.live.LiveState
import org.ferlarq.demo.photo.PhotoState
import org.ferlarq.demo.ui.Problem
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNotNull
import org.junit.Assert.assertNotSame
import org.junit.Assert.assertNull
import org.junit.Assert.assertSame
import org.junit.Assert.assertTrue
import org.junit.Test
import org.robolectric.Robolectric
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf

/** What the system and other apps do to the app while it runs. */
class LifecycleTest : AppTest() {
    private fun recreate() {
        val before = activity
        controller.recreate()
        activity = controller.get()
        idle()
        assertNotSame(before, activity)
    }

    @Test
    fun `another theme neither decodes the picture again nor loses the measurement`() {
        start()
        click(R.id.tab_photo)
        choose(jpeg())
        val picture = (photo as PhotoState.Analyzed).picture
        click(R.id.tab_model)
        click(R.id.measure)
        val timings = activity.model.model.state.state.timings
        RuntimeEnvironment.setQualifiers("+night")
        recreate()
        assertEquals(Tab.MODEL, activity.model.tab.state)
        assertSame(timings, activity.model.model.state.state.timings)
        assertSame(picture, (photo as PhotoState.Analyzed).picture)
        click(R.id.tab_photo)
        assertEquals(View.VISIBLE, activity.findViewById<View>(R.id.photo_content).visibility)
    }

    @Test
    fun `another theme keeps the networks and starts the camera again`() {
        start()
        recreate()
        assertEquals(1, foundations.fakes.classifiers.size)
        sendFrame()
        assertNotNull((live as LiveState.Running).reading)
    }

    @Test
    fun `an app that the system ended comes back to the same picture`() {
        start()
        click(R.id.tab_photo)
        choose(jpeg())
        val saved = Bundle()
        controller.saveInstanceState(saved).pause().stop().destroy()
        controller = Robolectric.buildActivity(MainActivity::class.java).setup(saved)
        activity = controller.get()
        idle()
        assertEquals(Tab.PHOTO, activity.model.tab.state)
        assertEquals(300 to 200, (photo as PhotoState.Analyzed).picture.let { it.width to it.height })
    }

    @Test
    fun `another lens does not load the networks again`() {
        start()
        sendFrame()
        click(R.id.switch_camera)
        assertEquals(Lens.BACK, foundations.cameras.opened)
        sendFrame()
        assertNotNull((live as LiveState.Running).reading)
        assertEquals(1 to 1, foundations.fakes.classifiers.size to foundations.fakes.detectors.size)
        assertEquals("another stream begins", 2, foundations.fakes.detectors.single().resets)
    }

    @Test
    fun `after a call the camera comes back by itself`() {
        start()
        foundations.cameras.fail(CameraFailure.IN_USE)
        idle()
        assertEquals(Problem.CAMERA_IN_USE, (live as LiveState.Stopped).problem)
        foundations.cameras.becomeFree()
        idle()
        assertTrue(live is LiveState.Running)
        sendFrame()
        assertNotNull((live as LiveState.Running).reading)
    }

    @Test
    fun `a camera that is still taken leaves the sentence where it is`() {
        start()
        foundations.cameras.fail(CameraFailure.IN_USE)
        val shown = mutableListOf<LiveState>()
        activity.model.live.state.observe(shown::add)
        foundations.cameras.failure = CameraFailure.IN_USE
        foundations.cameras.becomeFree()
        idle()
        assertTrue("$shown", shown.all { it is LiveState.Stopped })
        foundations.cameras.failure = null
        foundations.cameras.becomeFree()
        idle()
        assertTrue(live is LiveState.Running)
    }

    @Test
    fun `an app that is not seen does not wait for the camera`() {
        start()
        foundations.cameras.fail(CameraFailure.IN_USE)
        controller.pause().stop()
        foundations.cameras.becomeFree()
        idle()
        assertNull(foundations.cameras.opened)
    }

    @Test
    fun `a window that is seen beside another app keeps its camera`() {
        start()
        controller.pause() // the other app was touched
        sendFrame()
        assertNotNull((live as LiveState.Running).reading)
    }

    @Test
    fun `of two windows the one that was touched has the camera, and the other says so`() {
        start()
        val second = Robolectric.buildActivity(MainActivity::class.java).setup()
        idle()
        assertEquals(Problem.CAMERA_IN_OTHER_WINDOW, (live as LiveState.Stopped).problem)
        activity.onTopResumedActivityChanged(true)
        idle()
        assertTrue(live is LiveState.Running)
        assertTrue(second.get().model.live.state.state is LiveState.Stopped)
        controller.pause().stop()
        foundations.cameras.becomeFree()
        idle()
        assertTrue(second.get().model.live.state.state is LiveState.Running)
    }

    @Test
    fun `a camera that is switched off by a rule is not called broken`() {
        foundations.cameras.failure = CameraFailure.DISABLED
        start()
        assertEquals(Problem.CAMERA_DISABLED, (live as LiveState.Stopped).problem)
        goOn(R.id.live)
        assertEquals(Tab.PHOTO, activity.model.tab.state)
    }

    @Test
    fun `taking a picture asks for the camera first, explains, and goes on`() {
        start()
        shadowOf(application).denyPermissions(Manifest.permission.CAMERA)
        click(R.id.tab_photo)
        click(R.id.take)
        val asked = generateSequence { shadowOf(activity).nextStartedActivity }.map { it.action }.toList()
        assertEquals(listOf("android.content.pm.action.REQUEST_PERMISSIONS"), asked)
        assertFalse("$photo", photo is PhotoState.Failed)
        answerPermission(granted = false, code = 2)
        assertEquals(Problem.TAKING_DENIED_FOR_GOOD, (photo as PhotoState.Failed).problem)
        shadowOf(application).grantPermissions(Manifest.permission.CAMERA)
        answerPermission(granted = true, code = 2)
        val then = generateSequence { shadowOf(activity).nextStartedActivityForResult }.map { it.intent.action }
        assertTrue(MediaStore.ACTION_IMAGE_CAPTURE in then.toList())
    }

    @Test
    fun `a question for the camera that is open is not asked twice`() {
        start(permission = false)
        recreate()
        val questions = generateSequence { shadowOf(activity).nextStartedActivity }
            .count { it.action == "android.content.pm.action.REQUEST_PERMISSIONS" }
        assertTrue("$questions", questions <= 1)
        assertTrue(activity.model.asking)
    }

    @Test
    fun `measuring leaves the camera's frames and pictures alone, shows progress and can be cancelled`() {
        val measuring = Queue()
        foundations.measuring = measuring
        start()
        click(R.id.tab_model)
        click(R.id.measure)
        val state = activity.model.model.state
        assertEquals(0f, state.state.progress)
        assertEquals(1, measuring.size)
        assertEquals("Cancel", activity.findViewById<Button>(R.id.measure).text)
        click(R.id.tab_photo)
        choose(jpeg())
        assertTrue("a picture waited for the measurement", photo is PhotoState.Analyzed)
        click(R.id.tab_live)
        sendFrame()
        assertNotNull((live as LiveState.Running).reading)
        click(R.id.tab_model)
        val progress = mutableListOf<Float?>()
        state.observe { progress += it.progress }
        measuring.runAll()
        idle()
        assertTrue("$progress", progress.filterNotNull().zipWithNext().all { (a, b) -> a <= b } && progress.size > 20)
        assertEquals(3, state.state.timings.size)

        click(R.id.measure)
        click(R.id.measure) // cancel
        assertNull(state.state.progress)
        val before = foundations.fakes.classifiers.sumOf { it.calls }
        measuring.runAll()
        idle()
        assertTrue(foundations.fakes.classifiers.sumOf { it.calls } - before <= 1)
        assertTrue(foundations.fakes.classifiers.takeLast(1).all { it.closed == 1 })
        assertEquals("a cancelled measurement shows nothing", 0, state.state.timings.size)
    }

    @Test
    fun `frames, pictures and the measurement have a thread each`() {
        val threads = Collections.synchronizedSet(mutableSetOf<Thread>())
        val real = RealFoundations(application)
        for (executor in listOf(real.frames, real.background, real.measuring)) {
            val done = CountDownLatch(1)
            executor.execute {
                threads += Thread.currentThread()
                done.countDown()
            }
            assertTrue(done.await(20, TimeUnit.SECONDS))
        }
        assertEquals(3, (threads - Thread.currentThread()).size)
    }

    @Test
    fun `the last seconds are shared as a picture and a table`() {
        start()
        repeat(3) { sendFrame() }
        click(R.id.share_history)
        val chooser = generateSequence { shadowOf(activity).nextStartedActivity }
            .first { it.action == Intent.ACTION_CHOOSER }
        @Suppress("DEPRECATION")
        val intent = chooser.getParcelableExtra<Intent>(Intent.EXTRA_INTENT)!!
        assertEquals(Intent.ACTION_SEND_MULTIPLE, intent.action)
        assertEquals(2, intent.clipData!!.itemCount)
        for (i in 0 until 2) {
            val uri = intent.clipData!!.getItemAt(i).uri
            assertTrue(java.io.File(application.cacheDir, uri.lastPathSegment!!).length() > 30)
        }
    }

    @Test
    fun `Traditional Chinese is not shown Simplified`() {
        for ((language, word) in listOf("b+zh+Hant+TW" to "即時", "zh-rHK" to "即時", "zh-rCN" to "实时", "de" to "Live")) {
            RuntimeEnvironment.setQualifiers(language)
            assertEquals(language, word, application.createConfigurationContext(application.resources.configuration).getString(R.string.tab_live))
        }
    }
}
