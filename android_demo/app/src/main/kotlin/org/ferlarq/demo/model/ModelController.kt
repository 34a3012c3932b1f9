package org.ferlarq.demo.model

import java.util.concurrent.Executor
import org.ferlarq.demo.Foundations
import org.ferlarq.demo.Problem
import org.ferlarq.demo.Store

/** Shows what the model says of itself, and measures it. Called on the main thread. */
class ModelController(
    private val foundations: Foundations,
    private val store: Store,
    private val main: Executor,
) {
    fun readCard() {
        foundations.background.execute {
            val card = runCatching { foundations.readCard() }
            main.execute {
                store.update {
                    val problem = if (card.isFailure) Problem.MODEL_UNUSABLE else null
                    it.copy(model = it.model.copy(card = card.getOrNull(), problem = problem))
                }
            }
        }
    }

    fun measure() {
        val card = store.state.model.card ?: return
        if (store.state.model.measuring) return
        store.update { it.copy(model = it.model.copy(measuring = true, timings = emptyList())) }
        foundations.background.execute {
            val timings = runCatching {
                THREAD_COUNTS.map { threads ->
                    foundations.openClassifier(card, threads).use {
                        measure(it, threads, System::nanoTime)
                    }
                }
            }
            main.execute {
                store.update {
                    val problem = if (timings.isFailure) Problem.MODEL_UNUSABLE else null
                    val found = timings.getOrDefault(emptyList())
                    val model = it.model.copy(measuring = false, timings = found, problem = problem)
                    it.copy(model = model)
                }
            }
        }
    }

    private companion object {
        val THREAD_COUNTS = listOf(1, 2, 4)
    }
}
