"""The settings of the samplers, and those that bring pictures of earlier versions back; one class for each page of the Settings tab."""

from typing import Literal

from modules.contract.declare import Choice, Number, Options, Slider, Toggle, declared


class Compatibility(Options):
    """Compatibility"""

    old_emphasis: bool = Toggle(
        False, "Old emphasis", key="use_old_emphasis_implementation", help="As A1111 did in 2022, for the pictures of that time."
    )
    old_karras: bool = Toggle(False, "Old Karras sigmas (0.1 to 10)", key="use_old_karras_scheduler_sigmas")
    random_brownian: bool = Toggle(False, "DPM++ SDE: let pictures depend on their batch", key="no_dpmpp_sde_batch_determinism")
    old_hires_size: bool = Toggle(False, "Hires. fix: width and height are the final size", key="use_old_hires_fix_width_height")
    hires_first_networks: bool = Toggle(
        False, "Hires. fix: encode the second pass with the first one's networks", key="hires_fix_use_firstpass_conds"
    )
    old_scheduling: bool = Toggle(
        False,
        "Old prompt editing timelines",
        key="use_old_scheduling",
        help="Times in [from:to:when] below 1 are shares of the steps only in the first pass, as before 1.6.",
    )
    downcast_alphas: bool = Toggle(False, "Round the noise schedule to 16 bits", key="use_downcasted_alpha_bar")
    refiner_by_steps: bool = Toggle(False, "Switch to the refiner by steps", key="refiner_switch_by_sample_steps")
    backcompat: bool = Toggle(
        True, "Turn on what an infotext's version needs", key="auto_backcompat", help="For pictures of A1111 versions before 1.8."
    )


class Sampling(Options):
    """Sampler parameters"""

    hidden: tuple[str, ...] = declared(
        (),
        "Samplers left out of the lists on the page",
        control="names",
        key="hide_samplers",
        help="Infotexts and the API still know them.",
    )
    eta_ddim: float = Slider(
        0.0, 0.0, 1.0, "Eta for DDIM", step=0.01, key="eta_ddim", help="How much of the noise DDIM makes anew in each step; 0 makes none."
    )
    eta_ancestral: float = Slider(
        1.0,
        0.0,
        1.0,
        "Eta for ancestral samplers",
        step=0.01,
        key="eta_ancestral",
        help="How much of the noise samplers with an a in their name make anew in each step.",
    )
    s_churn: float = Slider(
        0.0,
        0.0,
        100.0,
        "Sigma churn",
        step=0.01,
        key="s_churn",
        help="Noise that Euler, Heun and DPM2 add before a step, over all steps together; 0 is none.",
    )
    s_tmin: float = Slider(0.0, 0.0, 10.0, "Sigma tmin", step=0.01, key="s_tmin", help="Sigma churn acts above this noise level only.")
    s_tmax: float = Slider(0.0, 0.0, 999.0, "Sigma tmax", step=0.01, key="s_tmax", help="0 is no limit.")
    s_noise: float = Slider(
        1.0, 0.0, 1.1, "Sigma noise", step=0.001, key="s_noise", help="Strength of the noise that is added in the steps."
    )
    sigma_min: float = Number(0.0, "Schedule min sigma", key="sigma_min", help="0 takes the model's own.")
    sigma_max: float = Number(0.0, "Schedule max sigma", key="sigma_max", help="0 takes the model's own.")
    rho: float = Number(0.0, "Schedule rho", key="rho", help="Steepness of the Karras and polyexponential schedules; 0 takes their own.")
    noise_seed_delta: int = Number(
        0, "Eta noise seed delta", key="eta_noise_seed_delta", help="Added to the seed for all noise after the first."
    )
    discard_penultimate: bool = Toggle(
        False, "Leave out the last noise level but one, with every sampler", key="always_discard_next_to_last_sigma"
    )
    sgm_noise: bool = Toggle(
        False, "SGM noise multiplier", key="sgm_noise_multiplier", help="Scales the first noise as SDXL's own sampler does."
    )
    quantized: bool = Toggle(False, "Whole timesteps in k-diffusion samplers", key="enable_quantization")
    unipc_variant: Literal["bh1", "bh2", "vary_coeff"] = Choice(
        "bh1", "UniPC variant", key="uni_pc_variant", help="How UniPC weighs its correction; bh2 suits many steps, bh1 few."
    )
    unipc_skip: Literal["time_uniform", "time_quadratic", "logSNR"] = Choice(
        "time_uniform", "UniPC skip type", key="uni_pc_skip_type", help="How UniPC spaces its steps."
    )
    unipc_order: int = Slider(
        3, 1, 50, "UniPC order", key="uni_pc_order", help="Earlier steps that UniPC looks back at; at most the number of steps less one."
    )
    unipc_lower_order_final: bool = Toggle(
        True,
        "UniPC lower order final",
        key="uni_pc_lower_order_final",
        help="UniPC looks back less in its last steps: steadier with few of them.",
    )
    noise_schedule: Literal["Default", "Zero Terminal SNR"] = Choice(
        "Default", "Noise schedule", key="sd_noise_schedule", help="Zero Terminal SNR is for models that were trained with it."
    )
    skip_early: float = Slider(
        0.0, 0.0, 1.0, "Ignore the negative prompt during early sampling", step=0.01, key="skip_early_cond", help="Share of the steps."
    )
    beta_alpha: float = Slider(
        0.6,
        0.01,
        1.0,
        "Beta schedule alpha",
        step=0.01,
        key="beta_dist_alpha",
        help="Of the schedule Beta: smaller values spend more steps at the start.",
    )
    beta_beta: float = Slider(
        0.6,
        0.01,
        1.0,
        "Beta schedule beta",
        step=0.01,
        key="beta_dist_beta",
        help="Of the schedule Beta: smaller values spend more steps at the end.",
    )
