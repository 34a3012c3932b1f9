package org.ferlarq.demo

import android.graphics.SurfaceTexture
import android.hardware.camera2.CameraCaptureSession
import android.hardware.camera2.CameraCharacteristics
import android.hardware.camera2.CameraDevice
import android.hardware.camera2.CameraManager
import android.os.Handler
import android.os.Looper
import android.view.Surface
import android.view.TextureView
import java.util.concurrent.ConcurrentLinkedQueue
import java.util.concurrent.Executor
import org.ferlarq.demo.camera.AndroidCameras
import org.ferlarq.demo.live.LiveState
import org.ferlarq.demo.ui.Problem
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Before
import org.junit.Test
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import org.robolectric.annotation.Implementation
import org.robolectric.annotation.Implements
import org.robolectric.shadow.api.Shadow
import org.robolectric.shadows.ShadowCameraCharacteristics
import org.robolectric.shadows.ShadowCameraDeviceImpl
import org.robolectric.shadows.ShadowCameraManager

/** A window with the phone's cameras: which thread waits for the system while they open and close. */
@Config(shadows = [WatchedCameraManager::class, WatchedCameraDevice::class])
class CameraThreadTest : AppTest() {
    private val manager = application.getSystemService(CameraManager::class.java)

    @Before
    fun useThePhonesCameras() {
        application.foundations = object : Foundations by foundations {
            override val cameras = AndroidCameras(application)
        }
        addCamera("0", CameraCharacteristics.LENS_FACING_BACK)
        addCamera("1", CameraCharacteristics.LENS_FACING_FRONT)
        CameraCalls.clear()
    }

    private fun addCamera(id: String, facing: Int) {
        val characteristics = ShadowCameraCharacteristics.newCameraCharacteristics()
        Shadow.extract<ShadowCameraCharacteristics>(characteristics)
            .set(CameraCharacteristics.LENS_FACING, facing)
        shadowOf(manager).addCamera(id, characteristics)
    }

    private fun showPreview() {
        val view = activity.findViewById<TextureView>(R.id.preview)
        val texture = SurfaceTexture(false)
        view.setSurfaceTexture(texture)
        checkNotNull(view.surfaceTextureListener).onSurfaceTextureAvailable(texture, 480, 640)
    }

    /** Lets the main thread work, beside the others, until something happened. */
    private fun await(what: () -> Boolean) {
        val end = System.nanoTime() + 20_000_000_000L
        while (!what() && System.nanoTime() < end) {
            idle()
            Thread.sleep(5)
        }
        assertTrue("$live ${CameraCalls.all}", what())
    }

    private fun awaitLens(front: Boolean) = await { (live as? LiveState.Running)?.mirrored == front }

    private fun awaitCloses(count: Int) = await { CameraCalls.all.count { it.name == "close" } >= count }

    @Test
    fun `the main thread waits for no camera, and the networks are loaded once`() {
        start()
        showPreview()
        awaitLens(front = true)
        click(R.id.switch_camera)
        awaitCloses(1)
        awaitLens(front = false)
        click(R.id.tab_photo)
        awaitCloses(2)
        click(R.id.tab_live)
        awaitLens(front = false)
        shadowOf(manager).triggerDisconnect() // another app takes the camera
        await { (live as? LiveState.Stopped)?.problem == Problem.CAMERA_IN_USE }
        goOn(R.id.live)
        awaitLens(front = false)
        val closes = CameraCalls.all.count { it.name == "close" }
        controller.pause().stop()
        awaitCloses(closes + 1)

        val calls = CameraCalls.all.toList()
        assertEquals(CameraCalls.NAMES, calls.map { it.name }.toSet())
        assertEquals(emptyList<CameraCall>(), calls.filter { it.onMainThread })
        assertEquals(1 to 1, foundations.fakes.classifiers.size to foundations.fakes.detectors.size)
    }
}

data class CameraCall(val name: String, val onMainThread: Boolean)

/** What the app asked the system to do with cameras, all of which takes long on a phone. */
object CameraCalls {
    val NAMES = setOf("getCameraIdList", "getCameraCharacteristics", "openCamera", "createCaptureSession", "close")
    val all = ConcurrentLinkedQueue<CameraCall>()

    fun add(name: String) {
        all += CameraCall(name, Looper.getMainLooper().isCurrentThread)
    }

    fun clear() = all.clear()
}

@Implements(CameraManager::class)
class WatchedCameraManager : ShadowCameraManager() {
    @Implementation
    override fun getCameraIdList(): Array<String> {
        CameraCalls.add("getCameraIdList")
        return super.getCameraIdList()
    }

    @Implementation
    override fun getCameraCharacteristics(id: String): CameraCharacteristics {
        CameraCalls.add("getCameraCharacteristics")
        return super.getCameraCharacteristics(id)
    }

    /** Each of the ways to open a camera ends here, on the thread that it began on. */
    @Implementation(minSdk = 35)
    override fun openCameraDeviceUserAsync(
        id: String,
        callback: CameraDevice.StateCallback,
        executor: Executor,
        user: Int,
        importance: Int,
        rotation: Int,
    ): CameraDevice {
        CameraCalls.add("openCamera")
        return super.openCameraDeviceUserAsync(id, callback, executor, user, importance, rotation)
    }
}

@Implements(className = "android.hardware.camera2.impl.CameraDeviceImpl")
class WatchedCameraDevice : ShadowCameraDeviceImpl() {
    @Implementation
    override fun createCaptureSession(
        surfaces: List<Surface>,
        callback: CameraCaptureSession.StateCallback,
        handler: Handler?,
    ) {
        CameraCalls.add("createCaptureSession")
        super.createCaptureSession(surfaces, callback, handler)
    }

    @Implementation
    override fun close() {
        CameraCalls.add("close")
        super.close()
    }
}
