package org.ferlarq.demo.live

import android.view.TextureView
import java.util.concurrent.Executor
import org.ferlarq.demo.Foundations
import org.ferlarq.demo.LiveState
import org.ferlarq.demo.Problem
import org.ferlarq.demo.Store
import org.ferlarq.demo.THREADS

/** Runs the camera while its screen is seen. Its methods are called on the main thread. */
class LiveController(
    private val foundations: Foundations,
    private val store: Store,
    private val preview: TextureView,
    private val main: Executor,
) {
    private var lens: Lens? = null
    private var pipeline: FramePipeline? = null

    /** Rises with each start and stop: what was begun before it comes too late. */
    private var generation = 0

    fun start() {
        stop()
        store.updateLive(LiveState.Starting)
        val lenses = foundations.camera.lenses
        val chosen = lens?.takeIf { it in lenses }
            ?: Lens.FRONT.takeIf { it in lenses }
            ?: lenses.firstOrNull()
            ?: return store.updateLive(LiveState.Stopped(Problem.NO_CAMERA))
        lens = chosen
        val started = generation
        foundations.background.execute {
            val opened = runCatching { openPipeline(started) }
            main.execute {
                if (started != generation) {
                    opened.getOrNull()?.first?.close()
                } else {
                    opened.onSuccess { (pipeline, labels) ->
                        openCamera(chosen, lenses.size > 1, pipeline, labels)
                    }
                    opened.onFailure { stop(Problem.MODEL_UNUSABLE) }
                }
            }
        }
    }

    private fun openPipeline(started: Int): Pair<FramePipeline, List<String>> {
        val card = foundations.readCard()
        val classifier = foundations.openClassifier(card, THREADS)
        val detector = try {
            foundations.openDetector(THREADS)
        } catch (error: RuntimeException) {
            classifier.close()
            throw error
        }
        val pipeline = FramePipeline(
            detector,
            classifier,
            foundations.background,
            System::nanoTime,
            publish = { reading -> main.execute { if (started == generation) show(reading) } },
            fail = { main.execute { if (started == generation) stop(Problem.MODEL_UNUSABLE) } },
        )
        return pipeline to card.labels
    }

    private fun openCamera(
        lens: Lens,
        canSwitch: Boolean,
        pipeline: FramePipeline,
        labels: List<String>,
    ) {
        this.pipeline = pipeline
        val started = generation
        val listener = object : Camera.Listener {
            override fun opened() {
                if (started != generation) return
                val mirrored = lens == Lens.FRONT
                store.updateLive(LiveState.Running(mirrored, canSwitch, labels, THREADS))
            }

            override fun failed(failure: CameraFailure) {
                if (started != generation) return
                stop(
                    when (failure) {
                        CameraFailure.NONE_THERE -> Problem.NO_CAMERA
                        CameraFailure.IN_USE -> Problem.CAMERA_IN_USE
                        CameraFailure.BROKEN -> Problem.CAMERA_BROKEN
                    },
                )
            }
        }
        foundations.camera.open(lens, preview, { pipeline.offer(it) }, listener)
    }

    private fun show(reading: LiveReading) {
        val running = store.state.live as? LiveState.Running ?: return
        store.updateLive(running.copy(reading = reading))
    }

    fun switchLens() {
        lens = if (lens == Lens.FRONT) Lens.BACK else Lens.FRONT
        start()
    }

    fun stop() {
        generation++
        foundations.camera.close()
        pipeline?.close()
        pipeline = null
    }

    private fun stop(problem: Problem) {
        stop()
        store.updateLive(LiveState.Stopped(problem))
    }
}
