package org.ferlarq.demo

import android.Manifest
import android.content.Intent
import android.graphics.Bitmap
import android.net.Uri
import android.os.Looper
import android.view.View
import android.widget.Button
import java.io.ByteArrayInputStream
import java.io.ByteArrayOutputStream
import org.junit.Assert.assertEquals
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.android.controller.ActivityController
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode

/** A window of the app on fakes, and a user. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [35])
@GraphicsMode(GraphicsMode.Mode.NATIVE)
abstract class AppTest {
    protected val application = RuntimeEnvironment.getApplication() as Demo
    protected val foundations = FakeFoundations().also { application.foundations = it }
    protected lateinit var controller: ActivityController<MainActivity>
    protected lateinit var activity: MainActivity

    protected val live get() = activity.model.live.state.state
    protected val photo get() = activity.model.photo.state.state

    protected fun start(permission: Boolean = true) {
        if (permission) shadowOf(application).grantPermissions(Manifest.permission.CAMERA)
        controller = Robolectric.buildActivity(MainActivity::class.java).setup()
        activity = controller.get()
        idle()
    }

    protected fun idle() = shadowOf(Looper.getMainLooper()).idle()

    protected fun click(id: Int) {
        activity.findViewById<View>(id).performClick()
        idle()
    }

    protected fun sendFrame() {
        foundations.cameras.send()
        idle()
    }

    /** Answers the question for the camera, asked for Live (1) or for taking a picture (2). */
    protected fun answerPermission(granted: Boolean, code: Int = 1) {
        val result = if (granted) 0 else -1
        activity.onRequestPermissionsResult(code, arrayOf(Manifest.permission.CAMERA), intArrayOf(result))
        idle()
    }

    /** The visible button below a failure's sentence. */
    protected fun goOn(screen: Int) {
        activity.findViewById<View>(screen).findViewById<Button>(R.id.problem_action).performClick()
        idle()
    }

    protected fun choose(content: ByteArray) {
        val uri = Uri.parse("content://elsewhere/picture")
        shadowOf(application.contentResolver).registerInputStreamSupplier(uri) { ByteArrayInputStream(content) }
        click(R.id.choose)
        val request = shadowOf(activity).nextStartedActivityForResult
        assertEquals(Intent.ACTION_GET_CONTENT, request.intent.action)
        shadowOf(activity).receiveResult(request.intent, android.app.Activity.RESULT_OK, Intent().setData(uri))
        idle()
    }

    protected fun jpeg(width: Int = 300, height: Int = 200) = ByteArrayOutputStream().also {
        Bitmap.createBitmap(width, height, Bitmap.Config.ARGB_8888).compress(Bitmap.CompressFormat.JPEG, 90, it)
    }.toByteArray()
}
