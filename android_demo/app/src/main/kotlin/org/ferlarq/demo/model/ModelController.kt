package org.ferlarq.demo.model

import java.util.concurrent.Executor
import org.ferlarq.demo.inference.ModelCard
import org.ferlarq.demo.inference.Networks
import org.ferlarq.demo.ui.Problem
import org.ferlarq.demo.ui.Store

/**
 * Shows what the model says of itself, and measures it. Called on the main thread.
 *
 * @param measuring runs the measurement, and nothing else.
 */
class ModelController(
    private val networks: Networks,
    private val main: Executor,
    private val background: Executor,
    private val measuring: Executor,
) {
    val state = Store(ModelState())

    @Volatile private var measurement = 0

    fun readCard() {
        background.execute {
            val card = runCatching { networks.readCard() }
            main.execute {
                val problem = if (card.isFailure) Problem.MODEL_UNUSABLE else null
                state.update { it.copy(card = card.getOrNull(), problem = problem) }
            }
        }
    }

    fun measure() {
        val card = state.state.card ?: return
        if (state.state.progress != null) return
        val started = ++measurement
        state.update { it.copy(progress = 0f, timings = emptyList()) }
        measuring.execute {
            val timings = runCatching { measureNow(card, started) }
            main.execute {
                if (started != measurement) return@execute
                val problem = if (timings.isFailure) Problem.MODEL_UNUSABLE else null
                val found = timings.getOrNull().orEmpty()
                state.update { it.copy(progress = null, timings = found, problem = problem) }
            }
        }
    }

    /** A line for each number of threads; null if the measurement was cancelled. */
    private fun measureNow(card: ModelCard, started: Int): List<Timing>? {
        val timings = mutableListOf<Timing>()
        for ((i, threads) in THREAD_COUNTS.withIndex()) {
            networks.openClassifier(card, threads).use { classifier ->
                timings += measure(classifier, threads, System::nanoTime) { faces ->
                    val done = i * MEASURED_FACES + faces
                    if (done % STEP == 0) show(done.toFloat() / (THREAD_COUNTS.size * MEASURED_FACES), started)
                    started == measurement
                } ?: return null
            }
        }
        return timings
    }

    private fun show(progress: Float, started: Int) = main.execute {
        if (started == measurement) state.update { if (it.progress == null) it else it.copy(progress = progress) }
    }

    /** Ends the measurement, if one runs. */
    fun cancel() {
        measurement++
        state.update { it.copy(progress = null) }
    }

    private companion object {
        val THREAD_COUNTS = listOf(1, 2, 4)
        const val STEP = 5 // faces between two signs of progress
    }
}
