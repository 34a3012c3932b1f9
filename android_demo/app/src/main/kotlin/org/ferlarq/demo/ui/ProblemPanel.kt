package org.ferlarq.demo.ui

import android.view.View
import android.widget.Button
import android.widget.TextView
import org.ferlarq.demo.R

/** A sentence on what is wrong, and mostly a button that leads on. */
class ProblemPanel(private val root: View, private val onAction: (Problem) -> Unit) {
    private val sentence: TextView = root.findViewById(R.id.problem_sentence)
    private val action: Button = root.findViewById(R.id.problem_action)

    fun show(problem: Problem?) {
        root.visibility = if (problem == null) View.GONE else View.VISIBLE
        if (problem == null) return
        sentence.setText(problem.sentence)
        action.visibility = if (problem.action == null) View.GONE else View.VISIBLE
        problem.action?.let { action.setText(it) }
        action.setOnClickListener { onAction(problem) }
    }
}
