package org.ferlarq.demo.model

import android.view.View
import android.widget.Button
import android.widget.TextView
import java.text.NumberFormat
import org.ferlarq.demo.ModelState
import org.ferlarq.demo.R
import org.ferlarq.demo.inference.ModelCard

/** What the model is, what one bit means, how fast it is here, and licences. */
class ModelScreen(
    private val root: View,
    onMeasure: () -> Unit,
) {
    private val facts: TextView = root.findViewById(R.id.model_facts)
    private val measure: Button = root.findViewById(R.id.measure)
    private val timings: TextView = root.findViewById(R.id.timings)
    private val problem: TextView = root.findViewById(R.id.model_problem)

    init {
        measure.setOnClickListener { onMeasure() }
        val licences = root.findViewById<TextView>(R.id.licences)
        licences.text = root.context.assets.open("licences/notice.txt").reader().use { it.readText() }
    }

    fun render(state: ModelState) {
        problem.visibility = if (state.problem == null) View.GONE else View.VISIBLE
        facts.visibility = if (state.card == null) View.GONE else View.VISIBLE
        facts.text = state.card?.let(::describe)
        measure.isEnabled = state.card != null && !state.measuring
        timings.text = when {
            state.measuring -> root.context.getString(R.string.measuring)
            state.timings.isEmpty() -> null
            else -> state.timings.joinToString("\n", transform = ::describe)
        }
    }

    private fun describe(card: ModelCard): String {
        val context = root.context
        val number = NumberFormat.getIntegerInstance(context.resources.configuration.locales[0])
        val lines = mutableListOf(
            context.getString(R.string.fact_network, card.network),
            context.getString(R.string.fact_size, number.format(card.bytes)),
            context.getString(R.string.fact_weights, number.format(card.oneBitWeights)),
        )
        if (card.trainedOn.isNotEmpty()) {
            lines += context.getString(R.string.fact_trained_on, card.trainedOn)
        }
        if (card.accuracies.isEmpty()) lines += context.getString(R.string.fact_no_accuracy)
        for ((views, share) in card.accuracies) {
            lines += context.getString(R.string.fact_accuracy, 100 * share, card.split, nameOf(views))
        }
        return lines.joinToString("\n")
    }

    /** The user's words for what was looked at; the model's own if there are none. */
    private fun nameOf(views: String) = when (views) {
        "five crops" -> root.context.getString(R.string.five_crops)
        "centre crop" -> root.context.getString(R.string.centre_crop)
        else -> views
    }

    private fun describe(timing: Timing) = root.context.getString(
        R.string.timing,
        root.resources.getQuantityString(R.plurals.threads, timing.threads, timing.threads),
        timing.median,
        timing.lower,
        timing.upper,
    )
}
