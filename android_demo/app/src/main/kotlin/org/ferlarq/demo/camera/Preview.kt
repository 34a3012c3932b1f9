package org.ferlarq.demo.camera

import android.graphics.SurfaceTexture
import android.view.Display
import android.view.TextureView

/** Where a camera shows itself. Used on the main thread. */
class Preview(private val view: TextureView) {
    /** The display that the view is on, once it is on one. */
    val display: Display? get() = view.display

    /**
     * Calls [action] with the view's surface and its longer side in pixels: now if there is a
     * surface, and each time that a new one takes its place, until [release].
     */
    fun onSurface(action: (SurfaceTexture, Int) -> Unit) {
        view.surfaceTextureListener = object : TextureView.SurfaceTextureListener {
            override fun onSurfaceTextureAvailable(texture: SurfaceTexture, width: Int, height: Int) =
                action(texture, maxOf(width, height))

            override fun onSurfaceTextureSizeChanged(texture: SurfaceTexture, width: Int, height: Int) =
                Unit

            override fun onSurfaceTextureDestroyed(texture: SurfaceTexture) = true

            override fun onSurfaceTextureUpdated(texture: SurfaceTexture) = Unit
        }
        val texture = view.surfaceTexture
        if (view.isAvailable && texture != null) action(texture, maxOf(view.width, view.height))
    }

    fun release() {
        view.surfaceTextureListener = null
    }
}
