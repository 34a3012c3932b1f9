package org.ferlarq.demo.camera

import android.Manifest
import android.app.Activity
import android.graphics.ImageFormat
import android.graphics.SurfaceTexture
import android.hardware.camera2.CameraAccessException
import android.hardware.camera2.CameraCharacteristics
import android.hardware.camera2.CameraManager
import android.os.Looper
import android.util.Size
import android.view.TextureView
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import org.robolectric.shadow.api.Shadow
import org.robolectric.shadows.ShadowCameraCharacteristics
import org.robolectric.shadows.StreamConfigurationMapBuilder
import java.time.Duration

/** The phone's cameras, as far as Robolectric has them: they open and close, but send no frame. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [35])
class AndroidCamerasTest {
    private val application = RuntimeEnvironment.getApplication()
    private val manager = application.getSystemService(CameraManager::class.java)
    private val cameras = AndroidCameras(application)
    private val events = mutableListOf<String>()

    private val listener = object : Cameras.Listener {
        override fun opened(lens: Lens, canSwitch: Boolean) {
            assertEquals(Looper.getMainLooper(), Looper.myLooper())
            events += "opened $lens $canSwitch"
        }

        override fun failed(failure: CameraFailure) {
            events += "failed $failure"
        }
    }

    private fun add(id: String, facing: Int, sizes: List<Size> = emptyList()) {
        val streams = StreamConfigurationMapBuilder.newBuilder()
        for (size in sizes) streams.addOutputSize(size).addOutputSize(ImageFormat.YUV_420_888, size)
        val characteristics = ShadowCameraCharacteristics.newCameraCharacteristics()
        Shadow.extract<ShadowCameraCharacteristics>(characteristics).apply {
            set(CameraCharacteristics.LENS_FACING, facing)
            if (sizes.isNotEmpty()) set(CameraCharacteristics.SCALER_STREAM_CONFIGURATION_MAP, streams.build())
        }
        shadowOf(manager).addCamera(id, characteristics)
    }

    /** The surface of a view of 1080 pixels, and the size of the pictures that a camera gives it. */
    private class Surface : SurfaceTexture(false) {
        @Volatile var pictures: Size? = null

        override fun setDefaultBufferSize(width: Int, height: Int) {
            pictures = Size(width, height)
        }
    }

    private val surface = Surface()

    private fun preview(): Preview {
        val activity = Robolectric.buildActivity(Activity::class.java).setup().get()
        val view = TextureView(activity)
        activity.setContentView(view)
        view.setSurfaceTexture(surface)
        val preview = Preview(view)
        pending = { view.surfaceTextureListener?.onSurfaceTextureAvailable(surface, 810, 1080) }
        return preview
    }

    private var pending = {}

    private fun open(wish: Lens? = null): java.io.Closeable {
        shadowOf(application).grantPermissions(Manifest.permission.CAMERA)
        return cameras.open(wish, preview(), {}, listener).also {
            if (events.none { event -> event.startsWith("failed NONE") }) pending()
        }
    }

    /** Lets the cameras' thread and the main thread work until something happened. */
    private fun await(what: () -> Boolean) {
        val end = System.nanoTime() + 20_000_000_000L
        while (!what() && System.nanoTime() < end) {
            shadowOf(Looper.getMainLooper()).idle()
            Thread.sleep(5)
        }
        assertTrue("$events", what())
    }

    @Test
    fun `the front camera is opened, and the other on request`() {
        add("0", CameraCharacteristics.LENS_FACING_BACK)
        add("1", CameraCharacteristics.LENS_FACING_FRONT)
        val front = open()
        await { events.isNotEmpty() }
        assertEquals("opened FRONT true", events.single())
        front.close()
        open(Lens.BACK).use {
            await { events.size == 2 }
            assertEquals("opened BACK true", events.last())
        }
    }

    @Test
    fun `the preview is sharper than the frames that are classified`() {
        add("1", CameraCharacteristics.LENS_FACING_FRONT, listOf(Size(640, 480), Size(1280, 960), Size(4000, 3000)))
        open()
        await { events.isNotEmpty() }
        assertEquals(Size(1280, 960), surface.pictures)
    }

    @Test
    fun `a phone without a camera says so`() {
        open()
        await { events.isNotEmpty() }
        assertEquals("failed NONE_THERE", events.single())
    }

    @Test
    fun `a second window takes the camera and the first is told`() {
        add("1", CameraCharacteristics.LENS_FACING_FRONT)
        open()
        await { events.size == 1 }
        open()
        assertEquals("failed IN_OTHER_WINDOW", events[1])
        await { events.size == 3 }
        assertEquals("opened FRONT false", events.last())
    }

    @Test
    fun `whoever waits for the camera is called when it is free and no window has it`() {
        add("1", CameraCharacteristics.LENS_FACING_FRONT)
        val session = open()
        await { events.size == 1 }
        var called = 0
        cameras.whenFree { called++ }
        shadowOf(Looper.getMainLooper()).idleFor(Duration.ofSeconds(2))
        assertEquals("a window of ours has it", 0, called)
        session.close()
        shadowOf(manager).removeCamera("1")
        shadowOf(Looper.getMainLooper()).idle()
        add("1", CameraCharacteristics.LENS_FACING_FRONT)
        shadowOf(Looper.getMainLooper()).idle()
        assertEquals(1, called)
        val cancelled = cameras.whenFree { called++ }
        cancelled.close()
        shadowOf(Looper.getMainLooper()).idleFor(Duration.ofSeconds(2))
        assertEquals(1, called)
    }

    @Test
    fun `why a camera does not open`() {
        assertEquals(CameraFailure.DISABLED, failureOf(CameraAccessException.CAMERA_DISABLED))
        assertEquals(CameraFailure.IN_USE, failureOf(CameraAccessException.MAX_CAMERAS_IN_USE))
        assertEquals(CameraFailure.BROKEN, failureOf(CameraAccessException.CAMERA_ERROR))
    }
}
