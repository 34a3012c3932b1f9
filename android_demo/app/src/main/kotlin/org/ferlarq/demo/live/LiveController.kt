package org.ferlarq.demo.live

import java.io.Closeable
import java.util.concurrent.Executor
import org.ferlarq.demo.camera.CameraFailure
import org.ferlarq.demo.camera.Cameras
import org.ferlarq.demo.camera.Lens
import org.ferlarq.demo.camera.Preview
import org.ferlarq.demo.inference.FaceAnalyzer
import org.ferlarq.demo.inference.Networks
import org.ferlarq.demo.inference.openAnalyzer
import org.ferlarq.demo.ui.Problem
import org.ferlarq.demo.ui.Store

/**
 * Runs the camera while its screen is seen. Its methods are called on the main thread.
 *
 * @param frames runs the networks.
 * @param milliTime a clock, for the history.
 */
class LiveController(
    private val networks: Networks,
    private val cameras: Cameras,
    private val main: Executor,
    private val frames: Executor,
    private val milliTime: () -> Long,
) {
    val state = Store<LiveState>(LiveState.Starting)

    /** What was seen lately; null until a camera has run. */
    var history: History? = null
        private set

    private var lens: Lens? = null
    private var preview: Preview? = null
    private var analyzer: FaceAnalyzer? = null
    private var pipeline: FramePipeline? = null
    private var camera: Closeable? = null
    private var waiting: Closeable? = null

    /** Rises with each start and stop: what was begun before it comes too late. */
    private var generation = 0

    /** Shows the camera in [preview]. */
    fun start(preview: Preview) {
        state.set(LiveState.Starting)
        restart(preview)
    }

    private fun restart(preview: Preview) {
        stop()
        this.preview = preview
        val started = generation
        val present = analyzer
        if (present != null) return openCamera(present, preview)
        frames.execute {
            val opened = runCatching { networks.openAnalyzer() }
            main.execute {
                val analyzer = opened.getOrNull()
                if (analyzer == null) {
                    if (started == generation) stop(Problem.MODEL_UNUSABLE)
                } else if (started != generation || this.analyzer != null) {
                    frames.execute(analyzer::close)
                } else {
                    this.analyzer = analyzer
                    openCamera(analyzer, preview)
                }
            }
        }
    }

    private fun openCamera(analyzer: FaceAnalyzer, preview: Preview) {
        val started = generation
        val pipeline = FramePipeline(
            analyzer,
            frames,
            System::nanoTime,
            publish = { reading -> main.execute { if (started == generation) show(reading) } },
            fail = { main.execute { if (started == generation) stopBroken() } },
        )
        this.pipeline = pipeline
        val listener = object : Cameras.Listener {
            override fun opened(lens: Lens, canSwitch: Boolean) {
                if (started != generation) return
                this@LiveController.lens = lens
                if (history?.labels != analyzer.labels) history = History(analyzer.labels)
                state.set(LiveState.Running(lens == Lens.FRONT, canSwitch, analyzer.labels))
            }

            override fun failed(failure: CameraFailure) {
                if (started == generation) stopFor(failure)
            }
        }
        val opened = cameras.open(lens, preview, { pipeline.offer(it) }, listener)
        if (started == generation) camera = opened else opened.close() // it failed at once
    }

    private fun stopFor(failure: CameraFailure) {
        val preview = preview
        stop(
            when (failure) {
                CameraFailure.NONE_THERE -> Problem.NO_CAMERA
                CameraFailure.IN_USE -> Problem.CAMERA_IN_USE
                CameraFailure.IN_OTHER_WINDOW -> Problem.CAMERA_IN_OTHER_WINDOW
                CameraFailure.DISABLED -> Problem.CAMERA_DISABLED
                CameraFailure.BROKEN -> Problem.CAMERA_BROKEN
            },
        )
        if (failure == CameraFailure.IN_USE || failure == CameraFailure.IN_OTHER_WINDOW) {
            waiting = cameras.whenFree { preview?.let(::restart) } // the sentence stays until it runs
        }
    }

    private fun show(reading: LiveReading) {
        val running = state.state as? LiveState.Running ?: return
        history?.add(milliTime(), reading.faces.firstOrNull()?.probabilities)
        state.set(running.copy(reading = reading))
    }

    fun switchLens() {
        lens = if (lens == Lens.FRONT) Lens.BACK else Lens.FRONT
        preview?.let(::start)
    }

    /** Whether the camera went to another app or another window of this one. */
    val isTakenAway: Boolean
        get() = (state.state as? LiveState.Stopped)?.problem in TAKEN_AWAY

    /** Closes the camera. The networks stay, for the next start. */
    fun stop() {
        generation++
        waiting?.close()
        waiting = null
        camera?.close()
        camera = null
        pipeline?.close()
        pipeline = null
        preview = null
    }

    private fun stop(problem: Problem) {
        stop()
        state.set(LiveState.Stopped(problem))
    }

    private fun stopBroken() {
        release()
        state.set(LiveState.Stopped(Problem.MODEL_UNUSABLE))
    }

    /** Says that the camera may not be used. */
    fun refuse(problem: Problem) = stop(problem)

    /** Closes the camera and, behind the frame in work, the networks. */
    fun release() {
        stop()
        analyzer?.let { frames.execute(it::close) }
        analyzer = null
    }

    private companion object {
        val TAKEN_AWAY = setOf(Problem.CAMERA_IN_USE, Problem.CAMERA_IN_OTHER_WINDOW)
    }
}
