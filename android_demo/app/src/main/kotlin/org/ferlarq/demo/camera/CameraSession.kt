package org.ferlarq.demo.camera

import android.annotation.SuppressLint
import android.graphics.ImageFormat
import android.graphics.SurfaceTexture
import android.hardware.camera2.CameraAccessException
import android.hardware.camera2.CameraCaptureSession
import android.hardware.camera2.CameraCharacteristics
import android.hardware.camera2.CameraDevice
import android.hardware.camera2.CameraManager
import android.hardware.camera2.CaptureRequest
import android.media.Image
import android.media.ImageReader
import android.os.Handler
import android.os.HandlerThread
import android.util.Size
import android.view.Display
import android.view.Surface
import org.ferlarq.demo.image.LumaImage

/**
 * A camera from opening to closing: one stream to look at and one to classify, of one shape. [start],
 * [takeAway] and [close] are called on the main thread; the rest runs on the worker's.
 */
internal class CameraSession(
    private val manager: CameraManager,
    private val worker: Handler,
    private val main: Handler,
    private val wish: Lens?,
    private val preview: Preview,
    private val frames: (Frame) -> Unit,
    private val listener: Cameras.Listener,
) : CameraDevice.StateCallback() {
    @Volatile private var closed = false

    /** Where the preview is seen: its rotation is asked for with each frame. */
    @Volatile private var display: Display? = null

    private var texture: SurfaceTexture? = null
    private var viewSide = 0
    private var opened: OpenedCamera? = null
    private var opening = false

    /** Opens the camera as soon as the preview has a surface. */
    fun start() = preview.onSurface { surface, longerSide ->
        display = preview.display
        worker.post {
            texture = surface
            viewSide = longerSide
            val device = opened?.device
            if (device != null) startStreams(device) else if (!opening) open()
        }
    }

    /** Another window of this app shows the camera from now on. */
    fun takeAway() {
        if (closed) return
        close()
        listener.failed(CameraFailure.IN_OTHER_WINDOW)
    }

    fun close() {
        if (closed) return
        closed = true
        preview.release()
        worker.post { release() }
    }

    private fun release() {
        opened?.close()
        opened = null
    }

    private fun fail(failure: CameraFailure) {
        release()
        main.post {
            if (closed) return@post
            close()
            listener.failed(failure)
        }
    }

    /** The phone's camera for each side, by its name. */
    private fun camerasBySide(): Map<Lens, String> {
        val found = mutableMapOf<Lens, String>()
        for (id in manager.cameraIdList) {
            val lens = lensOf(manager.getCameraCharacteristics(id)) ?: continue
            found.getOrPut(lens) { id } // the first of a side is its main camera
        }
        return found
    }

    @SuppressLint("MissingPermission") // whoever opens the camera asked for it
    private fun open() {
        if (closed) return
        guarded {
            val cameras = camerasBySide()
            val lens = wish?.takeIf { it in cameras } ?: cameras.keys.maxOrNull()
            val id = cameras[lens]
            if (lens == null || id == null) return fail(CameraFailure.NONE_THERE)
            opening = true
            opened = OpenedCamera(manager.getCameraCharacteristics(id), lens, cameras.size > 1)
            manager.openCamera(id, this, worker)
        }
    }

    override fun onOpened(camera: CameraDevice) {
        val opened = opened
        if (closed || opened == null) return camera.close()
        opened.device = camera
        startStreams(camera)
    }

    override fun onDisconnected(camera: CameraDevice) {
        camera.close()
        fail(CameraFailure.IN_USE)
    }

    override fun onError(camera: CameraDevice, error: Int) {
        camera.close()
        fail(
            when (error) {
                ERROR_CAMERA_IN_USE, ERROR_MAX_CAMERAS_IN_USE -> CameraFailure.IN_USE
                ERROR_CAMERA_DISABLED -> CameraFailure.DISABLED
                else -> CameraFailure.BROKEN
            },
        )
    }

    private fun startStreams(camera: CameraDevice) {
        val opened = opened ?: return
        val surfaces = opened.surfaces(texture ?: return)
        guarded {
            @Suppress("DEPRECATION") // what replaces it came with API 28
            camera.createCaptureSession(surfaces, StreamsCallback(camera, opened, surfaces), worker)
        }
    }

    private inner class StreamsCallback(
        private val camera: CameraDevice,
        private val opened: OpenedCamera,
        private val surfaces: List<Surface>,
    ) : CameraCaptureSession.StateCallback() {
        override fun onConfigured(session: CameraCaptureSession) {
            if (closed) return
            guarded {
                val request = camera.createCaptureRequest(CameraDevice.TEMPLATE_PREVIEW)
                surfaces.forEach(request::addTarget)
                if (opened.hasContinuousFocus) {
                    val mode = CaptureRequest.CONTROL_AF_MODE_CONTINUOUS_PICTURE
                    request.set(CaptureRequest.CONTROL_AF_MODE, mode)
                }
                session.setRepeatingRequest(request.build(), null, worker)
                main.post { if (!closed) listener.opened(opened.lens, opened.canSwitch) }
            }
        }

        override fun onConfigureFailed(session: CameraCaptureSession) = fail(CameraFailure.BROKEN)
    }

    /** What belongs to the camera that is open. */
    private inner class OpenedCamera(
        private val characteristics: CameraCharacteristics,
        val lens: Lens,
        val canSwitch: Boolean,
    ) {
        var device: CameraDevice? = null
        private val frameSize = chooseFrameSize(sizes { it.getOutputSizes(ImageFormat.YUV_420_888) })
        private val reader =
            ImageReader.newInstance(frameSize.width, frameSize.height, ImageFormat.YUV_420_888, 2)
        private val readerThread = HandlerThread("camera frames").apply { start() }
        private val readerHandler = Handler(readerThread.looper)
        private val frame = ReaderFrame(characteristics, lens)
        private var surface: Surface? = null

        init {
            reader.setOnImageAvailableListener({ onImage() }, readerHandler)
        }

        val hasContinuousFocus
            get() = characteristics.get(CameraCharacteristics.CONTROL_AF_AVAILABLE_MODES)
                ?.contains(CaptureRequest.CONTROL_AF_MODE_CONTINUOUS_PICTURE) ?: false

        private fun sizes(
            of: (android.hardware.camera2.params.StreamConfigurationMap) -> Array<Size>?,
        ) = characteristics.get(CameraCharacteristics.SCALER_STREAM_CONFIGURATION_MAP)
            ?.let(of).orEmpty().toList()

        /** The surface to look at, then that to classify. */
        fun surfaces(texture: SurfaceTexture): List<Surface> {
            val sizes = sizes { it.getOutputSizes(SurfaceTexture::class.java) }
            val previewSize = choosePreviewSize(sizes, frameSize, viewSide)
            texture.setDefaultBufferSize(previewSize.width, previewSize.height)
            val shown = Surface(texture)
            surface?.release()
            surface = shown
            return listOf(shown, reader.surface)
        }

        private fun onImage() {
            val image = reader.acquireLatestImage() ?: return
            image.use {
                frame.image = it
                frames(frame)
                frame.image = null
            }
        }

        fun close() {
            device?.close()
            surface?.release()
            readerHandler.post(reader::close) // there, no frame is in use
            readerThread.quitSafely()
        }
    }

    /** The Y plane of an image. */
    private inner class ReaderFrame(characteristics: CameraCharacteristics, private val lens: Lens) :
        Frame {
        private val sensorOrientation =
            characteristics.get(CameraCharacteristics.SENSOR_ORIENTATION) ?: 0
        var image: Image? = null

        override fun copyInto(image: LumaImage) {
            val source = checkNotNull(this.image)
            val plane = source.planes[0]
            val rotation = frameRotation(sensorOrientation, degreesOf(display), lens)
            image.reshape(source.width, source.height, plane.rowStride, rotation)
            val buffer = plane.buffer
            buffer.get(image.pixels, 0, minOf(buffer.remaining(), image.pixels.size))
        }
    }

    /** Does something with a camera; if that is not possible, says why, and ends. */
    private inline fun guarded(action: () -> Unit) {
        val failure = try {
            return action()
        } catch (error: CameraAccessException) {
            failureOf(error.reason)
        } catch (_: SecurityException) { // the permission was taken away a moment ago
            CameraFailure.BROKEN
        } catch (_: IllegalArgumentException) { // the camera is gone, or has no such stream
            CameraFailure.BROKEN
        } catch (_: IllegalStateException) { // the system closed it in between
            CameraFailure.BROKEN
        }
        fail(failure)
    }
}

/** What the reason of a CameraAccessException means to the user. */
internal fun failureOf(reason: Int): CameraFailure = when (reason) {
    CameraAccessException.CAMERA_IN_USE, CameraAccessException.MAX_CAMERAS_IN_USE ->
        CameraFailure.IN_USE
    CameraAccessException.CAMERA_DISABLED -> CameraFailure.DISABLED
    else -> CameraFailure.BROKEN
}
