package org.ferlarq.demo.model

import android.view.HapticFeedbackConstants
import android.view.View
import android.widget.Button
import android.widget.ProgressBar
import android.widget.TextView
import java.text.NumberFormat
import java.util.Locale
import org.ferlarq.demo.R
import org.ferlarq.demo.inference.ModelCard

/** What the model is, what one bit means, how fast it is here, and licences. */
class ModelScreen(private val root: View, onMeasure: () -> Unit, onCancel: () -> Unit) {
    private val facts: View = root.findViewById(R.id.model_facts)
    private val measure: Button = root.findViewById(R.id.measure)
    private val progress: ProgressBar = root.findViewById(R.id.progress)
    private val timings: TextView = root.findViewById(R.id.timings)
    private val problem: View = root.findViewById(R.id.model_problem)
    private val locale: Locale = root.context.resources.configuration.locales[0]
    private var measuring = false

    init {
        measure.setOnClickListener { if (measuring) onCancel() else onMeasure() }
        val licences = root.findViewById<TextView>(R.id.licences)
        licences.text = root.context.assets.open("licences/notice.txt").reader().use { it.readText() }
    }

    fun render(state: ModelState) {
        problem.visibility = if (state.problem == null) View.GONE else View.VISIBLE
        facts.visibility = if (state.card == null) View.GONE else View.VISIBLE
        state.card?.let(::showFacts)
        val finished = measuring && state.timings.isNotEmpty()
        measuring = state.progress != null
        if (finished) root.performHapticFeedback(HapticFeedbackConstants.VIRTUAL_KEY)
        measure.isEnabled = state.card != null
        measure.setText(if (measuring) R.string.cancel else R.string.measure)
        progress.visibility = if (measuring) View.VISIBLE else View.INVISIBLE
        progress.progress = ((state.progress ?: 0f) * progress.max).toInt()
        timings.text = state.timings.joinToString("\n", transform = ::describe).ifEmpty { null }
        timings.visibility = if (state.timings.isEmpty()) View.GONE else View.VISIBLE
    }

    private fun showFacts(card: ModelCard) {
        val context = root.context
        setText(R.id.fact_size, context.getString(R.string.megabytes, card.bytes / 1e6f))
        val weights = context.getString(R.string.millions, card.oneBitWeights / 1e6f)
        setText(R.id.fact_weights, weights)
        val best = card.accuracies.entries.maxByOrNull { it.key == FIVE_CROPS }
        val share = NumberFormat.getPercentInstance(locale).apply { maximumFractionDigits = 1 }
        setText(R.id.fact_accuracy, best?.let { share.format(it.value) } ?: context.getString(R.string.unknown))
        val details = listOfNotNull(
            context.getString(R.string.fact_network, card.network.uppercase(Locale.ROOT)),
            context.getString(R.string.fact_trained_on, card.trainedOn).takeIf { card.trainedOn.isNotEmpty() },
            context.getString(R.string.fact_measured_on, card.split).takeIf { card.split.isNotEmpty() },
            context.getString(R.string.not_calibrated).takeIf { !card.isCalibrated },
        )
        setText(R.id.fact_details, details.joinToString("\n"))
    }

    private fun setText(id: Int, text: String) {
        root.findViewById<TextView>(id).text = text
    }

    private fun describe(timing: Timing) = root.context.getString(
        R.string.timing,
        root.resources.getQuantityString(R.plurals.threads, timing.threads, timing.threads),
        timing.median,
        timing.lower,
        timing.upper,
    )

    private companion object {
        const val FIVE_CROPS = "five crops"
    }
}
