package org.ferlarq.demo

import android.app.Application
import android.content.Context
import java.util.concurrent.Executor
import java.util.concurrent.Executors
import org.ferlarq.demo.camera.AndroidCameras
import org.ferlarq.demo.camera.Cameras
import org.ferlarq.demo.inference.AssetNetworks
import org.ferlarq.demo.inference.Networks

/** What the screens stand on; tests put fakes in its place. */
interface Foundations {
    val networks: Networks
    val cameras: Cameras

    /** Runs the camera's frames through the networks. */
    val frames: Executor

    /** Runs what takes time and is waited for: pictures, files. */
    val background: Executor

    /** Runs the measurement of the model. */
    val measuring: Executor
}

/** The real ones: the phone's cameras, and the models among the app's assets. */
class RealFoundations(context: Context) : Foundations {
    override val networks by lazy { AssetNetworks(context.assets) }
    override val cameras by lazy { AndroidCameras(context) }
    override val frames: Executor = Executors.newSingleThreadExecutor()
    override val background: Executor = Executors.newSingleThreadExecutor()
    override val measuring: Executor = Executors.newSingleThreadExecutor()
}

class Demo : Application() {
    var foundations: Foundations = RealFoundations(this)
}
