package org.ferlarq.demo.camera

import android.content.Context
import android.hardware.camera2.CameraCharacteristics
import android.hardware.camera2.CameraManager
import android.os.Handler
import android.os.HandlerThread
import android.os.Looper
import java.io.Closeable

/**
 * The phone's cameras through camera2. The system's calls, which may take long, are made on a thread
 * of their own.
 */
class AndroidCameras(context: Context) : Cameras {
    private val manager = context.getSystemService(CameraManager::class.java)
    private val main = Handler(Looper.getMainLooper())
    private val worker by lazy { Handler(HandlerThread("cameras").apply { start() }.looper) }
    private var session: CameraSession? = null

    override fun open(
        wish: Lens?,
        preview: Preview,
        frames: (Frame) -> Unit,
        listener: Cameras.Listener,
    ): Closeable {
        session?.takeAway()
        val opened = CameraSession(manager, worker, main, wish, preview, frames, listener)
        session = opened
        opened.start()
        return Closeable {
            opened.close()
            if (session === opened) session = null
        }
    }

    override fun whenFree(action: () -> Unit): Closeable {
        val watch = Watch(action)
        manager.registerAvailabilityCallback(watch, main)
        return watch
    }

    /** Waits until a camera can be opened and no window of this app has one. */
    private inner class Watch(private val action: () -> Unit) :
        CameraManager.AvailabilityCallback(), Closeable {
        private var closed = false
        private val inUse = mutableSetOf<String>()
        private val tryLater = Runnable { if (!closed && session == null) fire() }

        override fun onCameraUnavailable(id: String) {
            inUse += id
        }

        override fun onCameraAvailable(id: String) {
            if (closed) return
            // At first, the system names all cameras that are free: perhaps since a moment ago.
            main.removeCallbacks(tryLater)
            if (inUse.remove(id)) main.post(tryLater) else main.postDelayed(tryLater, LATER_MILLIS)
        }

        private fun fire() {
            close()
            action()
        }

        override fun close() {
            closed = true
            main.removeCallbacks(tryLater)
            manager.unregisterAvailabilityCallback(this)
        }
    }

    private companion object {
        const val LATER_MILLIS = 1000L
    }
}

/** The side of the phone that a camera looks from; null for an external one. */
internal fun lensOf(characteristics: CameraCharacteristics): Lens? =
    when (characteristics.get(CameraCharacteristics.LENS_FACING)) {
        CameraCharacteristics.LENS_FACING_FRONT -> Lens.FRONT
        CameraCharacteristics.LENS_FACING_BACK -> Lens.BACK
        else -> null
    }
