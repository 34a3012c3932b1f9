package org.ferlarq.demo.live

import android.annotation.SuppressLint
import android.content.Context
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
import android.os.Looper
import android.util.Size
import android.view.Display
import android.view.Surface
import android.view.TextureView
import org.ferlarq.demo.image.LumaImage

/** The phone's cameras through camera2: one stream to look at and one to read, of one shape. */
class AndroidCamera(context: Context) : Camera {
    private val manager = context.getSystemService(CameraManager::class.java)
    private val main = Handler(Looper.getMainLooper())
    private var session: OpenCamera? = null

    override val lenses: Set<Lens>
        get() {
            val found = mutableSetOf<Lens>()
            failureOf { manager.cameraIdList.mapNotNullTo(found, ::lensOf) }
            return found
        }

    private fun lensOf(id: String) =
        when (manager.getCameraCharacteristics(id).get(CameraCharacteristics.LENS_FACING)) {
            CameraCharacteristics.LENS_FACING_FRONT -> Lens.FRONT
            CameraCharacteristics.LENS_FACING_BACK -> Lens.BACK
            else -> null // an external camera
        }

    override fun open(
        lens: Lens,
        preview: TextureView,
        frames: (Frame) -> Unit,
        listener: Camera.Listener,
    ) {
        close()
        val failure = failureOf {
            val id = manager.cameraIdList.firstOrNull { lensOf(it) == lens }
                ?: return listener.failed(CameraFailure.NONE_THERE)
            val opened = OpenCamera(id, lens, preview, frames, listener)
            session = opened
            opened.start()
        }
        if (failure != null) {
            close()
            listener.failed(failure)
        }
    }

    override fun close() {
        session?.stop()
        session = null
    }

    /** Why an action on a camera failed; null if it did not. */
    private inline fun failureOf(action: () -> Unit): CameraFailure? = try {
        action()
        null
    } catch (error: CameraAccessException) {
        when (error.reason) {
            CameraAccessException.CAMERA_IN_USE, CameraAccessException.MAX_CAMERAS_IN_USE ->
                CameraFailure.IN_USE
            else -> CameraFailure.BROKEN
        }
    } catch (_: SecurityException) { // the permission was taken away a moment ago
        CameraFailure.BROKEN
    } catch (_: IllegalArgumentException) { // the camera is gone, or has no such stream
        CameraFailure.BROKEN
    } catch (_: IllegalStateException) { // the system closed it in between
        CameraFailure.BROKEN
    }

    /** A camera from opening to closing. All but [onImage] runs on the main thread. */
    private inner class OpenCamera(
        private val id: String,
        private val lens: Lens,
        private val preview: TextureView,
        private val frames: (Frame) -> Unit,
        private val listener: Camera.Listener,
    ) : CameraDevice.StateCallback(), TextureView.SurfaceTextureListener {
        private val characteristics = manager.getCameraCharacteristics(id)
        private val sensorOrientation =
            characteristics.get(CameraCharacteristics.SENSOR_ORIENTATION) ?: 0
        private val size = chooseSize()
        private val reader =
            ImageReader.newInstance(size.width, size.height, ImageFormat.YUV_420_888, 2)
        private val readerThread = HandlerThread("camera frames").apply { start() }
        private val readerHandler = Handler(readerThread.looper)
        private val frame = ReaderFrame()
        private var device: CameraDevice? = null
        private var surface: Surface? = null
        private var stopped = false

        /** Where the preview is seen: known from the main thread alone, once there is a surface. */
        @Volatile private var display: Display? = null

        fun start() {
            reader.setOnImageAvailableListener(::onImage, readerHandler)
            preview.surfaceTextureListener = this
            if (preview.isAvailable) openDevice()
        }

        @SuppressLint("MissingPermission") // whoever opens the camera asked for it
        private fun openDevice() = manager.openCamera(id, this, main)

        override fun onOpened(camera: CameraDevice) {
            if (stopped) return camera.close()
            device = camera
            startSession(camera)
        }

        /** Shows and reads the camera, if there is a surface to show it on; else later. */
        private fun startSession(camera: CameraDevice) {
            val texture = preview.surfaceTexture ?: return
            texture.setDefaultBufferSize(size.width, size.height)
            display = preview.display
            val shown = Surface(texture)
            surface?.release()
            surface = shown
            val surfaces = listOf(shown, reader.surface)
            guarded(camera) {
                @Suppress("DEPRECATION") // what replaces it came with API 28
                camera.createCaptureSession(surfaces, SessionCallback(camera, surfaces), main)
            }
        }

        override fun onDisconnected(camera: CameraDevice) = fail(camera, CameraFailure.IN_USE)

        override fun onError(camera: CameraDevice, error: Int) = fail(
            camera,
            when (error) {
                ERROR_CAMERA_IN_USE, ERROR_MAX_CAMERAS_IN_USE -> CameraFailure.IN_USE
                else -> CameraFailure.BROKEN
            },
        )

        private fun fail(camera: CameraDevice, failure: CameraFailure) {
            camera.close()
            if (stopped) return
            stop()
            listener.failed(failure)
        }

        private inner class SessionCallback(
            private val camera: CameraDevice,
            private val surfaces: List<Surface>,
        ) : CameraCaptureSession.StateCallback() {
            override fun onConfigured(session: CameraCaptureSession) {
                if (stopped) return
                guarded(camera) {
                    val request = camera.createCaptureRequest(CameraDevice.TEMPLATE_PREVIEW)
                    surfaces.forEach(request::addTarget)
                    if (hasContinuousFocus()) {
                        val mode = CaptureRequest.CONTROL_AF_MODE_CONTINUOUS_PICTURE
                        request.set(CaptureRequest.CONTROL_AF_MODE, mode)
                    }
                    session.setRepeatingRequest(request.build(), null, main)
                    listener.opened()
                }
            }

            override fun onConfigureFailed(session: CameraCaptureSession) =
                fail(camera, CameraFailure.BROKEN)
        }

        private inline fun guarded(camera: CameraDevice, action: () -> Unit) {
            failureOf(action)?.let { fail(camera, it) }
        }

        private fun onImage(source: ImageReader) {
            val image = source.acquireLatestImage() ?: return
            image.use {
                frame.image = it
                frames(frame)
                frame.image = null
            }
        }

        /** The Y plane of an image. */
        private inner class ReaderFrame : Frame {
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

        fun stop() {
            if (stopped) return
            stopped = true
            preview.surfaceTextureListener = null
            device?.close()
            device = null
            surface?.release()
            surface = null
            readerHandler.post(reader::close) // there, no frame is in use
            readerThread.quitSafely()
        }

        private fun hasContinuousFocus() =
            characteristics.get(CameraCharacteristics.CONTROL_AF_AVAILABLE_MODES)
                ?.contains(CaptureRequest.CONTROL_AF_MODE_CONTINUOUS_PICTURE) ?: false

        /** The size closest to 640 x 480 of that shape, which every camera has; or any at all. */
        private fun chooseSize(): Size {
            val sizes = characteristics.get(CameraCharacteristics.SCALER_STREAM_CONFIGURATION_MAP)
                ?.getOutputSizes(ImageFormat.YUV_420_888)
                .orEmpty()
            val shaped = sizes.filter { it.width * 3 == it.height * 4 }.ifEmpty { sizes.toList() }
            return shaped.minByOrNull { Math.abs(it.width - WIDTH) } ?: Size(WIDTH, HEIGHT)
        }

        override fun onSurfaceTextureAvailable(texture: SurfaceTexture, width: Int, height: Int) {
            val camera = device
            if (camera != null) return startSession(camera)
            val failure = failureOf { openDevice() } ?: return
            stop()
            listener.failed(failure)
        }

        override fun onSurfaceTextureSizeChanged(texture: SurfaceTexture, width: Int, height: Int) =
            Unit

        override fun onSurfaceTextureDestroyed(texture: SurfaceTexture) = true

        override fun onSurfaceTextureUpdated(texture: SurfaceTexture) = Unit
    }

    private companion object {
        const val WIDTH = 640
        const val HEIGHT = 480
    }
}
